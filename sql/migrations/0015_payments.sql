-- What topping up by itself charges. References of the payment provider's, which may lead to a person: they enter no event.

-- Whom an account's attempts charge, and how; set by operators, who may take it away.
CREATE TABLE ledger.payment_methods (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    customer text NOT NULL CHECK (octet_length(customer) BETWEEN 1 AND 255),
    method text NOT NULL CHECK (octet_length(method) BETWEEN 1 AND 255),
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
    customer text NOT NULL,
    method text NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    PRIMARY KEY (journal, attempt_id)
);
CREATE INDEX payment_charges_by_account ON ledger.payment_charges (journal, account_id);
