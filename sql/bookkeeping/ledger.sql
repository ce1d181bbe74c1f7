-- migrator: superuser
-- The schema of the ledger. What a login finds in `public` is none of the ledger's.
CREATE SCHEMA IF NOT EXISTS ledger AUTHORIZATION runledger_owner;
