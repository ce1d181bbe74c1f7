-- The place of another migration.
SELECT 1;
