-- What topping up by itself charges. References of the payment provider's, which may lead to a person: they enter no event,
-- and are sealed under the account's data key. The two tables' columns have one place, so that a row may be copied as it is.

-- Whom an account's attempts charge, and how; set by operators, who may take it away.
CREATE TABLE ledger.payment_methods (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    customer text NOT NULL CHECK (octet_length(customer) BETWEEN 1 AND 512),
    method text NOT NULL CHECK (octet_length(method) BETWEEN 1 AND 512),
    -- Of both, under the same key: sealed anew the same looks different.
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    set_at timestamptz NOT NULL,
    set_by text NOT NULL,
    PRIMARY KEY (journal, account_id)
);

-- What an attempt asks the payment provider for, kept before it is asked for the first time: asked again, whatever has been
-- set since, it is the same to the letter, and so the same payment. Amounts are in the currency's smallest unit.
CREATE TABLE ledger.payment_charges (
    journal smallint NOT NULL,
    attempt_id uuid NOT NULL,
    account_id uuid NOT NULL,
    customer text NOT NULL CHECK (octet_length(customer) BETWEEN 1 AND 512),
    method text NOT NULL CHECK (octet_length(method) BETWEEN 1 AND 512),
    units bigint NOT NULL CHECK (units > 0),
    currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    PRIMARY KEY (journal, attempt_id)
);
CREATE INDEX payment_charges_by_account ON ledger.payment_charges (journal, account_id);
