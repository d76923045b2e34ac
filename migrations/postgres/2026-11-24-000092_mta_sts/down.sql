DROP TABLE mta_sts_policies;
