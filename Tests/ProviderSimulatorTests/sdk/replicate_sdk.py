"""The simulator's Replicate through the `replicate` package."""

import urllib.request

import replicate
from replicate.exceptions import ModelError, ReplicateError
from replicate.webhook import InvalidSignatureError, Webhooks
from simulator import URL, Receiver, behave, books, check, equal, eventually, finish, raises, skip
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

client = replicate.Client(api_token="a-token", base_url=URL + "/replicate")
client.poll_interval = 0.05
MODEL = "acme/painter"


def create(prompt="A fox", **options):
    return client.models.predictions.create(MODEL, input={"prompt": prompt}, **options)


def done(prediction):
    def look():
        prediction.reload()
        return prediction if prediction.status not in ("starting", "processing") else None

    return eventually("the end", look)


def success():
    output = client.run(MODEL, input={"prompt": "A fox"})
    with urllib.request.urlopen(output) as response:
        check("a picture", response.read().startswith(b"\x89PNG"))
    equal("two pictures", len(client.run(MODEL, input={"prompt": "A fox", "num_images": 2})), 2)
    version = client.predictions.create(version="5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa", input={"prompt": "x"})
    check("by version", done(version).status == "succeeded")
    behave(jobMilliseconds=4_000_000)
    prediction = create()
    equal("at first", prediction.status, "starting")
    skip(1_000)
    prediction.reload()
    equal("then", prediction.status, "processing")
    skip(3_000)
    prediction.wait()
    equal("at last", prediction.status, "succeeded")
    check("times", prediction.created_at <= prediction.started_at <= prediction.completed_at, prediction)
    check("measured", prediction.metrics["predict_time"] > 0.5, prediction.metrics)
    behave(jobMilliseconds=300)
    waited = create(wait=30)
    equal("within the wait", waited.status, "succeeded")
    behave(jobMilliseconds=4_000_000)
    equal("beyond the wait", create(wait=1).status, "starting")
    behave()
    page = client.predictions.list()
    check("listed, newest first", page.results[0].created_at >= page.results[-1].created_at)
    words = "".join(str(event) for event in client.stream(MODEL, input={"prompt": "Hello there"}))
    equal("streamed", words.removesuffix("{}"), "You asked: Hello there")


def failures():
    error = raises(ModelError, lambda: client.run(MODEL, input={"prompt": "[[fault:fail]]"}))
    equal("the error", (error.prediction.status, error.prediction.error), ("failed", "The model gave up."))
    equal("policy", done(create("[[fault:failPolicy]]")).error, "NSFW content detected.")
    table = [
        ("refuse", 422), ("unauthorised", 401), ("noCredit", 402), ("forbidden", 403), ("notFound", 404),
        ("rateLimit", 429), ("unavailable", 503), ("error500", 500),
    ]
    for fault, status in table:
        before = books("replicate")["submitted"]
        error = raises(ReplicateError, lambda: create(f"[[fault:{fault}]]"))
        equal(fault, error.status, status)
        check("a title and a detail", error.title and error.detail, error)
        equal("a prediction is never asked for twice", books("replicate")["submitted"] - before, 1)
    # Of the polls, one meets a 500, and one HTML, which the package can't read.
    prediction = create("[[fault:pollErrors]]")
    equal("the first poll", raises(ReplicateError, lambda: client.predictions.get(prediction.id)).status, 500)
    try:
        client.predictions.get(prediction.id)
        check("HTML is no prediction", False)
    except ValueError:
        pass


def cancellation():
    behave(jobMilliseconds=60_000)
    prediction = create()
    answer = client._request("POST", f"/v1/predictions/{prediction.id}/cancel").json()
    equal("never ran, not charged for", answer["status"], "aborted")
    behave(jobMilliseconds=0)
    prediction = create("[[fault:stall]]")
    prediction.cancel()
    equal("was running", prediction.status, "canceled")
    finished = create()
    eventually("the end", lambda: client.predictions.get(finished.id).status == "succeeded")
    finished.cancel()
    equal("too late", finished.status, "succeeded")
    equal("cancelled", books("replicate")["cancelled"], 2)


def webhooks():
    secret = client.webhooks.default.secret()
    behave(jobMilliseconds=400)
    receiver = Receiver()
    prediction = create(webhook=receiver.url, webhook_events_filter=["start", "completed"])

    def distinct():
        # A call whose answer took too long comes again, under the same id.
        return list({call[0]["webhook-id"]: call for call in receiver.wait(2)}.values())

    calls = eventually("both", lambda: calls if len(calls := distinct()) == 2 else None)
    equal("the states", [body["status"] for _, _, body in calls], ["processing", "succeeded"])
    for headers, raw, body in calls:
        Webhooks.validate(headers=headers, body=raw.decode(), secret=secret, tolerance=300)
        Webhook(secret.key).verify(raw, {name.lower(): value for name, value in headers.items()})
        equal("the prediction", body["id"], prediction.id)
    equal("the output", calls[1][2]["output"], client.predictions.get(prediction.id).dict()["output"])
    check("each its own id", calls[0][0]["webhook-id"] != calls[1][0]["webhook-id"])

    behave()
    receiver = Receiver()
    create("[[fault:callbackForged]]", webhook=receiver.url, webhook_events_filter=["completed"])
    headers, raw, _ = receiver.wait(1)[0]
    raises(InvalidSignatureError, lambda: Webhooks.validate(headers=headers, body=raw.decode(), secret=secret))
    lower = {name.lower(): value for name, value in headers.items()}
    raises(WebhookVerificationError, lambda: Webhook(secret.key).verify(raw, lower))


success()
failures()
cancellation()
webhooks()
finish()
