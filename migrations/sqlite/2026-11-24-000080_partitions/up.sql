-- PostgreSQL keeps messages and their stories in a partition for each day. SQLite has no partitions: rows go in batches.
SELECT 1;
