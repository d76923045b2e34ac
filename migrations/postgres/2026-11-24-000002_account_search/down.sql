DROP INDEX account_search;
