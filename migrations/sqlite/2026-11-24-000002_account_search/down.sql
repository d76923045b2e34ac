DROP TRIGGER account_search_update;
DROP TRIGGER account_search_insert;
DROP TABLE account_search;
