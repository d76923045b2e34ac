DROP INDEX domains_unverified;
