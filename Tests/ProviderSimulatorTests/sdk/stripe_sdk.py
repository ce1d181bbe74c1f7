"""The simulator's Stripe through the `stripe` package."""

import threading

import stripe
from simulator import URL, ask, behave, books, check, equal, finish, raises, skip

KEY = "sk_test_0123456789abcdef"
# Our own retries are what is looked at, not the client's.
client = stripe.StripeClient(KEY, base_addresses={"api": URL + "/stripe"}, max_network_retries=0)
payments = client.v1.payment_intents


def create(attempt="a-1", method="pm_card_visa", **more):
    parameters = {
        "amount": 1_000,
        "currency": "usd",
        "customer": "cus_1",
        "payment_method": method,
        "off_session": True,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"attempt": attempt, "credits": "10.5"},
    }
    return payments.create(parameters | more, {"idempotency_key": attempt})


def listed(**parameters):
    return payments.list({"customer": "cus_1", "limit": 100} | parameters).data


def paid():
    intent = create("paid")
    equal("the status", intent.status, "succeeded")
    equal("the amount", intent.amount_received, 1_000)
    equal("the metadata", intent.metadata.to_dict(), {"attempt": "paid", "credits": "10.5"})
    check("a charge", intent.latest_charge.startswith("ch_"))
    again = create("paid")
    equal("the same payment", again.id, intent.id)
    equal("said so", again.last_response.headers["idempotent-replayed"], "true")
    equal("once", len(listed()), 1)
    equal("by its id", payments.retrieve(intent.id).id, intent.id)
    raises(stripe.InvalidRequestError, lambda: payments.retrieve("pi_nobody"))
    error = raises(stripe.IdempotencyError, lambda: create("paid", amount=2_000))
    equal("the status", error.http_status, 400)


def declined():
    for method, code, decline_code in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ]:
        error = raises(stripe.CardError, lambda: create(method, method))
        equal("the status", error.http_status, 402)
        equal("the code", error.code, code)
        equal("the decline code", error.error.decline_code, decline_code)
        intent = error.error.payment_intent
        equal("the payment", intent.status, "requires_payment_method")
        equal("its error", payments.retrieve(intent.id).last_payment_error.decline_code, decline_code)


def refused():
    for more, code, parameter in [
        ({"customer": "cus_missing"}, "resource_missing", "customer"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
    ]:
        error = raises(stripe.InvalidRequestError, lambda: create("refused", **more))
        equal("the code", error.code, code)
        equal("the parameter", error.param, parameter)
    check("a key is not used up by what is refused", create("refused").status == "succeeded")
    ask("POST", "/_simulator/settings", {"keys": {"stripe": "another"}})
    raises(stripe.AuthenticationError, lambda: create("refused"))
    raises(stripe.AuthenticationError, lambda: listed())
    ask("POST", "/_simulator/settings", {})


def faults():
    before = len(listed())
    behave(provider="stripe", faults=["rateLimit", "unavailable", "none"])
    raises(stripe.RateLimitError, lambda: create("busy"))
    raises(stripe.APIError, lambda: create("busy"))
    equal("then", create("busy").status, "succeeded")
    behave(provider="stripe", faults=["error500", "none"])
    for _ in range(2):
        # What was begun is kept under the key, also a 500.
        raises(stripe.APIError, lambda: create("broken"))
    equal("nothing of it", len(listed()), before + 1)
    behave(provider="stripe", faults=["drop", "none"])
    raises(stripe.APIConnectionError, lambda: create("lost"))
    found = [intent for intent in listed() if intent.metadata["attempt"] == "lost"]
    equal("it was paid", [intent.status for intent in found], ["succeeded"])
    equal("and is the same", create("lost").id, found[0].id)
    behave(provider="stripe", faults=["slow"], slowMilliseconds=2_000)
    slow = threading.Thread(target=create, args=("slow",))
    slow.start()
    while not any(intent.metadata["attempt"] == "slow" for intent in listed()):
        pass
    error = raises(stripe.APIError, lambda: create("slow"))
    equal("another is under way", error.http_status, 409)
    slow.join()
    behave(provider="stripe")


def later():
    behave(provider="stripe", jobMilliseconds=60_000)
    bank = create("bank", "pm_usBankAccount")
    equal("at first", bank.status, "processing")
    skip(61)
    equal("then", payments.retrieve(bank.id).status, "succeeded")
    behave(provider="stripe")
    check("since then", len(listed(created={"gte": bank.created + 3_600})) == 0)
    first = create("forgotten")
    page = payments.list({"customer": "cus_1", "limit": 2})
    equal("the latest first", page.data[0].id, first.id)
    check("more", page.has_more)
    rest = payments.list({"customer": "cus_1", "limit": 100, "starting_after": page.data[1].id})
    equal("all of them", len(page.data) + len(rest.data), len(listed()))
    skip(86_400)
    check("a forgotten key is another payment", create("forgotten").id != first.id)


paid()
declined()
refused()
faults()
later()
equal("booked", books("stripe")["refused"], 3)
finish()
