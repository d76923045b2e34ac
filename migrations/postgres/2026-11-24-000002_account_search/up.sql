-- Search inside names, websites, external ids and domains by three or more letters.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX account_search ON accounts USING gin (search_text gin_trgm_ops);
