-- How a parent and its clients write numbers: 'point' (1,234.50) or 'comma' (1.234,50). Only the parent's counts.
ALTER TABLE accounts ADD COLUMN number_style TEXT NOT NULL DEFAULT 'point';
