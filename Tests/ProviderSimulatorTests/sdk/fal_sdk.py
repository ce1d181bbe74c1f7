"""The simulator's fal through the `fal-client` package."""

import base64
import hashlib
import json
import urllib.request

import fal_client
import fal_client.client as internals
import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simulator import URL, Receiver, behave, books, check, equal, eventually, finish, raises, skip

# The package always speaks TLS to fal's hosts: only the prefix of its addresses is changed.
internals.RUN_URL_FORMAT = URL + "/fal/run/"
internals.QUEUE_URL_FORMAT = URL + "/fal/queue/"
client = fal_client.SyncClient(key="id:secret", default_timeout=60)
APP = "fal-ai/nano-banana-2"
Failure = fal_client.client.FalClientHTTPError


def submit(prompt="A fox", **options):
    return client.submit(APP, {"prompt": prompt}, **options)


def subscribe(prompt="A fox", **inputs):
    return client.subscribe(APP, {"prompt": prompt} | inputs, interval=0.05)


def success():
    output = subscribe(num_images=2)
    equal("images", len(output["images"]), 2)
    with urllib.request.urlopen(output["images"][0]["url"]) as response:
        check("a picture", response.read().startswith(b"\x89PNG"))
        equal("its type", response.headers["content-type"], output["images"][0]["content_type"])
    equal("sync", len(client.run(APP, {"prompt": "A fox"})["images"]), 1)
    video = client.subscribe("fal-ai/kling-video/v3/pro/image-to-video", {"prompt": "A fox", "duration": "5"})
    check("a video", video["video"]["url"].endswith(".mp4"), video)
    events = list(client.stream(APP, {"prompt": "A fox"}))
    check("a streamed output", len(events[-1]["images"]) == 1, events)


def statuses():
    behave(jobMilliseconds=4_000_000)
    handle = submit()
    status = handle.status(with_logs=True)
    equal("at first", (type(status), status.position), (fal_client.Queued, 0))
    skip(1_000)
    status = handle.status(with_logs=True)
    equal("then", (type(status), status.logs[0]["level"]), (fal_client.InProgress, "INFO"))
    skip(3_000)
    status = handle.status(with_logs=True)
    equal("at last", type(status), fal_client.Completed)
    check("measured", status.metrics["inference_time"] >= 3_000, status)
    check("an output", handle.get()["images"])
    last = []
    behave(jobMilliseconds=300)
    client.subscribe(APP, {"prompt": "A fox"}, interval=0.05, on_queue_update=last.append)
    equal("the last update", type(last[-1]), fal_client.Completed)
    behave(jobMilliseconds=4_000_000)
    # A model's address may have a path, which its requests' addresses drop.
    handle = client.submit("fal-ai/flux/dev", {"prompt": "A fox"}, path="lora")
    check("the short address", "/fal-ai/flux/requests/" in handle.status_url, handle.status_url)
    status = client.status("fal-ai/flux/dev", handle.request_id)
    check("queued or in progress", isinstance(status, (fal_client.Queued, fal_client.InProgress)), status)
    with httpx.Client(headers={"authorization": "Key id:secret"}) as http:
        equal("202 before the end", http.get(handle.status_url).status_code, 202)
        early = http.get(handle.response_url)
        equal("no result before the end", (early.status_code, type(early.json()["detail"])), (400, str))
        skip(4_000)
        equal("200 at the end", http.get(handle.status_url).status_code, 200)
        lines = http.get(handle.status_url + "/stream").text.split("\n\n")
        equal("the stream's last state", json.loads(lines[-2].removeprefix("data: "))["status"], "COMPLETED")
    behave()


def failures():
    handle = submit("[[fault:failPolicy]]")
    status = eventually("completed", lambda: (s := handle.status()) if isinstance(handle.status(), fal_client.Completed) else None)
    equal("the trap: completed without an error", status.error, None)
    error = raises(Failure, handle.get)
    equal("422 at the result", error.status_code, 422)
    equal("detail is an array", error.message[0]["type"], "content_policy_violation")

    handle = submit("[[fault:failInStatus]]")
    status = eventually("completed", lambda: handle.status())
    equal("the error in the status", (status.error_type, bool(status.error)), ("runner_disconnected", True))
    error = raises(Failure, handle.get)
    equal("503 at the result", (error.status_code, error.error_type), (503, "runner_disconnected"))

    error = raises(Failure, submit("[[fault:fail]]").get)
    equal("500 at the result", error.status_code, 500)
    error = raises(Failure, submit("[[fault:expire]]").get)
    equal("504 at the result", (error.status_code, error.error_type), (504, "request_timeout"))


def refusals():
    table = [
        ("refuse", 422, list), ("unauthorised", 401, str), ("noCredit", 403, str), ("notFound", 404, str),
        ("unavailable", 503, str), ("gatewayTimeout", 504, str), ("error500", 500, str),
    ]
    for fault, status, kind in table:
        for call in [lambda prompt: submit(prompt), lambda prompt: client.run(APP, {"prompt": prompt})]:
            error = raises(Failure, lambda: call(f"[[fault:{fault}]]"))
            equal(fault, (error.status_code, type(error.message)), (status, kind))
    error = raises(Failure, lambda: submit("[[fault:gatewayTimeout]]"))
    equal("a timeout of the caller's own", error.response_headers["x-fal-request-timeout-type"], "user")
    error = raises(Failure, lambda: submit("[[fault:unavailable]]"))
    check("not the proxy's", "x-fal-request-id" in error.response_headers, error.response_headers)


def retries():
    # What looks like the proxy's, and 429, the package tries again; what looks like the platform's it does not.
    behave(faults=["ingress503", "badGateway", "rateLimit"])
    before = books("fal")["submitted"]
    check("the fourth try", subscribe()["images"])
    equal("requests", books("fal")["submitted"] - before, 4)
    behave(faults=["unavailable"])
    equal("one try", raises(Failure, subscribe).status_code, 503)
    # A lost answer is asked for again, and the vendor has no way to know: this run is done, and charged for, twice.
    behave(faults=["drop"])
    before = books("fal")
    client.submit(APP, {"prompt": "A fox"}, headers={"X-Client-Request-Id": "run-1"})
    after = books("fal")
    equal("accepted twice", after["accepted"] - before["accepted"], 2)
    equal("duplicates", after["duplicates"] - before["duplicates"], 1)


def cancellation():
    behave(jobMilliseconds=60_000)
    with httpx.Client(headers={"authorization": "Key id:secret"}) as http:
        handle = submit()
        answer = http.put(handle.cancel_url)
        equal("taken out of the queue", answer.status_code, 200)
        equal("completed", http.get(handle.status_url).json()["status"], "COMPLETED")
        error = raises(Failure, handle.get)
        equal("no result", error.error_type, "client_cancelled")
        again = http.put(handle.cancel_url)
        equal("too late", (again.status_code, again.json()), (400, {"status": "ALREADY_COMPLETED"}))
        missing = http.put(handle.cancel_url.replace(handle.request_id, "00000000-0000-0000-0000-000000000000"))
        equal("unknown", (missing.status_code, missing.json()), (404, {"status": "NOT_FOUND"}))
        # Running at once, since the queue takes a quarter of no time.
        behave(jobMilliseconds=0)
        handle = submit("[[fault:stall]]")
        running = http.put(handle.cancel_url)
        equal("running", (running.status_code, running.json()), (202, {"status": "CANCELLATION_REQUESTED"}))
    behave(jobMilliseconds=60_000)
    submit().cancel()
    equal("cancelled", books("fal")["cancelled"], 3)
    behave()


def verify(headers, body):
    """As fal's documentation says."""
    headers = {name.lower(): value for name, value in headers.items()}
    parts = [headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
    message = "\n".join(parts + [hashlib.sha256(body).hexdigest()]).encode()
    with urllib.request.urlopen(URL + "/fal/.well-known/jwks.json") as response:
        keys = json.load(response)["keys"]
    for key in keys:
        point = base64.urlsafe_b64decode(key["x"] + "==")
        try:
            Ed25519PublicKey.from_public_bytes(point).verify(bytes.fromhex(headers["x-fal-webhook-signature"]), message)
            return True
        except InvalidSignature:
            continue
    return False


def webhooks():
    receiver = Receiver(failures=1)
    handle = submit(webhook_url=receiver.url)
    headers, raw, body = receiver.wait(2)[1]
    check("signed", verify(headers, raw), headers)
    check("a changed body is noticed", not verify(headers, raw + b" "))
    equal("the request", (body["request_id"], body["status"]), (handle.request_id, "OK"))
    equal("the payload", body["payload"], handle.get())

    receiver = Receiver()
    submit("[[fault:failPolicy]]", webhook_url=receiver.url)
    body = receiver.wait(1)[0][2]
    equal("an error", (body["status"], body["error"]), ("ERROR", "Invalid status code: 422"))
    equal("its payload", body["payload"]["detail"][0]["type"], "content_policy_violation")

    receiver = Receiver()
    submit("[[fault:callbackForged]]", webhook_url=receiver.url)
    headers, raw, _ = receiver.wait(1)[0]
    check("a forged one", not verify(headers, raw))

    receiver = Receiver()
    submit("[[fault:callbackDuplicate]]", webhook_url=receiver.url)
    calls = receiver.wait(2)
    equal("twice the same", calls[0][2]["request_id"], calls[1][2]["request_id"])

    behave(lateMilliseconds=4000)
    receiver = Receiver()
    handle = submit("[[fault:callbackLate]]", webhook_url=receiver.url)
    handle.get()
    equal("none in time", len(receiver.calls), 0)
    receiver.wait(1)
    behave()


success()
statuses()
failures()
refusals()
retries()
cancellation()
webhooks()
finish()
