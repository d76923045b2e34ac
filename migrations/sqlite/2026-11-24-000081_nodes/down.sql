DROP TABLE rate_buckets;
DROP TABLE nodes;
