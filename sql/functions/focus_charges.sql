-- The charges that a range of a journal's events made, as FOCUS 1.2 has them: one row for each purchase, charge, refund,
-- correction and write-off of credits, in the order of positions.
--
-- Credits are bought and then spent, so a purchase has a BilledCost and no EffectiveCost, and a run the other way round: every
-- dollar counts once in either column. `usd_per_credit` is what a credit is sold for; the ledger does not know it. A correction
-- of something from an earlier billing period is ChargeClass Correction: closed periods are never edited. `issuer` is the
-- name of the house.
CREATE OR REPLACE FUNCTION ledger.focus_charges(
    journal smallint,
    after bigint,
    through bigint,
    usd_per_credit numeric,
    issuer text
)
RETURNS TABLE (
    "BilledCost" numeric, "BillingAccountId" text, "BillingAccountName" text, "BillingAccountType" text,
    "BillingCurrency" text, "BillingPeriodEnd" text, "BillingPeriodStart" text, "ChargeCategory" text,
    "ChargeClass" text, "ChargeDescription" text, "ChargeFrequency" text, "ChargePeriodEnd" text,
    "ChargePeriodStart" text, "ConsumedQuantity" numeric, "ConsumedUnit" text, "ContractedCost" numeric,
    "ContractedUnitPrice" numeric, "EffectiveCost" numeric, "InvoiceId" text, "InvoiceIssuerName" text, "ListCost" numeric,
    "ListUnitPrice" numeric, "PricingCategory" text, "PricingCurrency" text,
    "PricingCurrencyContractedUnitPrice" numeric, "PricingCurrencyEffectiveCost" numeric,
    "PricingCurrencyListUnitPrice" numeric, "PricingQuantity" numeric, "PricingUnit" text,
    "ProviderName" text, "PublisherName" text, "ResourceId" text, "ResourceName" text, "ResourceType" text,
    "ServiceCategory" text, "ServiceName" text, "ServiceSubcategory" text, "SkuId" text, "SkuMeter" text, "SkuPriceDetails" text,
    "SkuPriceId" text, "x_Credits" numeric, "x_EventType" text, "x_Journal" smallint, "x_Model" text,
    "x_Position" bigint, "x_Reference" text
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY
    WITH charges AS (
        SELECT
            events.position,
            events.account_id,
            events.type,
            events.model,
            events.execution_id,
            events.price_version,
            events.recorded_at AT TIME ZONE 'UTC' AS moment,
            CASE
                WHEN events.type = 'credits.debited' THEN 'Usage'
                WHEN events.type = 'credits.added' THEN 'Purchase'
                ELSE 'Adjustment'
            END AS category,
            (CASE events.type WHEN 'credits.short' THEN -events.amount ELSE events.amount END / 1000000.0)::numeric(20, 6)
                AS credits,
            CASE events.type
                WHEN 'credits.added' THEN events.detail::jsonb ->> 'kind' = 'top_up'
                WHEN 'credits.adjusted' THEN events.detail::jsonb ? 'refund'
                ELSE events.type = 'credits.short'
            END AS is_billed,
            events.type IN ('credits.debited', 'credits.expired', 'credits.short') AS is_used,
            CASE
                WHEN events.type = 'credits.debited' THEN 'Run of ' || events.model
                WHEN events.type = 'credits.expired' THEN 'Credits that expired unused'
                WHEN events.type = 'credits.short' THEN 'Refund of credits that were spent'
                WHEN events.type = 'credits.added' AND events.detail::jsonb ->> 'kind' = 'plan' THEN 'Allowance of the plan'
                WHEN events.type = 'credits.added' THEN 'Credits'
                WHEN events.detail::jsonb ? 'refund' THEN 'Refund of credits'
                -- Named by a commitment, and told by the service alone.
                WHEN events.detail::jsonb ->> 'reason' ~ '^sealed:[0-9a-f]{64}$' THEN 'Correction'
                -- FOCUS wants ASCII.
                ELSE 'Correction: ' || regexp_replace(events.detail::jsonb ->> 'reason', '[^ -~]', '?', 'g')
            END AS description,
            events.detail::jsonb ->> 'reference' AS reference,
            events.type IN ('credits.adjusted', 'credits.short')
            AND date_trunc('month', origin.added_at AT TIME ZONE 'UTC')
            < date_trunc('month', events.recorded_at AT TIME ZONE 'UTC') AS is_late
        FROM ledger.events
        LEFT JOIN ledger.pots AS origin
            ON events.type IN ('credits.adjusted', 'credits.short')
            AND events.journal = origin.journal
            AND events.account_id = origin.account_id
            AND origin.pot_id = coalesce((events.detail::jsonb ->> 'refund')::uuid, events.pot_id)
        WHERE
            events.journal = focus_charges.journal
            AND events.position > focus_charges.after
            AND events.position <= focus_charges.through
            AND events.type IN (
                'credits.added', 'credits.adjusted', 'credits.debited', 'credits.expired', 'credits.short'
            )
    )

    SELECT
        CASE WHEN charges.is_billed THEN charges.credits * focus_charges.usd_per_credit ELSE 0.0 END,
        charges.account_id::text,
        charges.account_id::text,
        'Account',
        'USD',
        to_char(date_trunc('month', charges.moment) + interval '1 month', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        to_char(date_trunc('month', charges.moment), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        charges.category,
        CASE WHEN charges.is_late THEN 'Correction' END,
        charges.description,
        CASE charges.category WHEN 'Usage' THEN 'Usage-Based' ELSE 'One-Time' END,
        to_char(date_trunc('day', charges.moment) + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        to_char(date_trunc('day', charges.moment), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        CASE charges.category WHEN 'Usage' THEN 1.0 END,
        CASE charges.category WHEN 'Usage' THEN 'Runs' END,
        charges.credits * focus_charges.usd_per_credit,
        focus_charges.usd_per_credit,
        CASE WHEN charges.is_used THEN charges.credits * focus_charges.usd_per_credit ELSE 0.0 END,
        NULL::text,
        focus_charges.issuer,
        charges.credits * focus_charges.usd_per_credit,
        focus_charges.usd_per_credit,
        'Standard',
        'USD',
        focus_charges.usd_per_credit,
        CASE WHEN charges.is_used THEN charges.credits * focus_charges.usd_per_credit ELSE 0.0 END,
        focus_charges.usd_per_credit,
        charges.credits,
        'Credits',
        focus_charges.issuer,
        focus_charges.issuer,
        charges.execution_id::text,
        charges.model,
        CASE WHEN charges.execution_id IS NOT NULL THEN 'Run' END,
        'AI and Machine Learning',
        'Model runs',
        'Generative AI',
        coalesce(charges.model, 'credits'),
        CASE charges.category WHEN 'Usage' THEN 'Runs' ELSE 'Credits' END,
        NULL::text,
        coalesce(charges.model || ' ' || charges.price_version, 'credits'),
        charges.credits,
        charges.type,
        focus_charges.journal,
        charges.model,
        charges.position,
        charges.reference
    FROM charges
    ORDER BY charges.position;
END
$$;
