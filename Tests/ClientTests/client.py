"""A client that knows nothing but the published examples: each step is one of them, in requests instead of curl.

Usage: client.py URL KEY. Prints `done: STEP` and `left out: STEP`; exits with 1 at the first thing that is not as published.
"""

import sys
import time

import requests

# Steps whose routes the service does not have yet. Whoever adds the routes takes the step out of this list; until then the
# step is not skipped: the service must answer 404 NOT_FOUND.
LEFT_OUT = []

URL, KEY = sys.argv[1:3]
client = requests.Session()
client.headers["x-api-key"] = KEY


def ask(method, path, status, **more):
    answer = client.request(method, URL + path, timeout=60, **more)
    if answer.status_code != status:
        sys.exit(f"{method} {path}: {answer.status_code} instead of {status}: {answer.text}")
    if status == 204:
        return None, answer.headers
    return answer.json(), answer.headers


def expect(condition, what):
    if not condition:
        sys.exit(f"not as published: {what}")


def fits(value, members):
    """Whether an object has these members, each of one of the given types."""
    types = {"text": str, "number": (int, float), "object": dict, "list": list, "flag": bool, "null": type(None)}
    for name, kinds in members.items():
        if name not in value or not any(isinstance(value[name], types[kind]) for kind in kinds.split("|")):
            sys.exit(f"not as published: {name} is {value.get(name)!r} in {value}")


def whoami():
    body, _ = ask("GET", "/api/whoami", 200)
    fits(body, {"user": "object"})
    fits(body["user"], {"id": "text", "email": "text|null", "role": "text", "tier": "text", "approved": "flag"})


def run():
    body, headers = ask("POST", "/api/models/gpt-5-4-mini/run", 200, json={"inputs": {"prompt": "A fox in the snow"}})
    expect(body["success"] is True, body)
    fits(body, {"result": "object", "cost": "number", "ms": "number"})
    limit, remaining, reset = (int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
    expect(0 <= remaining < limit and 0 <= reset - time.time() <= 61, headers)


def run_async():
    body, _ = ask("POST", "/api/models/gpt-image-2/run?async=true", 202, json={"inputs": {"prompt": "A fox in the snow"}})
    expect(body["_async"] is True and body["status"] == "processing", body)
    fits(body, {"executionId": "text", "requestId": "text|null", "webhookDelivery": "object", "pollUrl": "text"})
    expect(body["pollUrl"] == f"/api/executions/{body['executionId']}", body)
    end = time.monotonic() + 60
    while True:
        state, _ = ask("GET", body["pollUrl"], 200)
        if state["status"] != "processing":
            break
        expect(time.monotonic() < end, "the run does not end")
        time.sleep(0.5)
    expect(state["status"] == "completed" and state["result"]["images"][0].startswith("http"), state)
    fits(state, {"cost": "number", "ms": "number", "completedAt": "text", "error": "null"})


def cancel():
    body, _ = ask("POST", "/api/models/gpt-image-2/run?async=true", 202, json={"inputs": {"prompt": "A fox in the snow"}})
    path = body["pollUrl"]
    answer = client.post(f"{URL}{path}/cancel", timeout=60)
    expect(answer.status_code in (200, 202), answer.text)
    expect(answer.json()["status"] in ("cancelled", "cancel_requested"), answer.text)


def errors():
    body, _ = ask("POST", "/api/models/no-such-model/run", 404, json={"inputs": {}})
    expect(body["code"] == "MODEL_NOT_FOUND", body)
    body, _ = ask("POST", "/api/models/gpt-5-4-mini/run", 400, json={})
    expect(body["code"] == "INVALID_INPUTS", body)
    answer = requests.post(f"{URL}/api/models/gpt-5-4-mini/run", json={"inputs": {"prompt": "x"}}, timeout=60)
    expect(answer.status_code == 401 and answer.json()["error"].startswith("Unauthorized"), answer.text)


def usage():
    body, _ = ask("GET", "/api/usage?status=completed&limit=10&offset=0", 200)
    fits(body, {"rows": "list", "page": "number", "pageSize": "number", "total": "number"})
    expect(body["pageSize"] == 10 and len(body["rows"]) > 0, body)
    for row in body["rows"]:
        fits(row, {
            "id": "number", "userId": "text", "workflowSlug": "text|null", "modelIds": "list", "status": "text",
            "source": "text", "cost": "number", "userCost": "number", "creditsCost": "number", "durationMs": "number",
            "errorCode": "text|null", "requestId": "text|null", "createdAt": "text",
        })
        expect(row["status"] == "completed" and row["source"] in ("api-slim", "api-workflow"), row)


def workflows():
    document = {
        "name": "Fox painter",
        "nodes": [
            {"id": "in", "type": "requestInput", "position": {"x": 0, "y": 0},
             "data": {"fields": [{"name": "prompt", "type": "text", "default": "A fox"}]}},
            {"id": "ask", "type": "model", "position": {"x": 300, "y": 0}, "data": {"model": "gpt-5-4-mini"}},
            {"id": "out", "type": "responseOutput", "position": {"x": 600, "y": 0}, "data": {}},
        ],
        "edges": [
            {"id": "1", "source": "in", "target": "ask", "sourceHandle": "prompt", "targetHandle": "prompt"},
            {"id": "2", "source": "ask", "target": "out", "sourceHandle": "text", "targetHandle": "text"},
        ],
        "viewport": {"x": 0, "y": 0, "zoom": 1},
    }
    created, _ = ask("POST", "/api/workflows", 201, json=document)
    slug = created["slug"]
    listed, _ = ask("GET", "/api/workflows", 200)
    expect(slug in [workflow["slug"] for workflow in listed], listed)
    whole, _ = ask("GET", f"/api/workflows/{slug}", 200)
    expect(whole["nodes"] == document["nodes"] and whole["edges"] == document["edges"], whole)
    schema, _ = ask("GET", f"/api/workflows/{slug}/schema", 200)
    expect([field["name"] for field in schema["fields"]] == ["prompt"], schema)
    body, _ = ask("POST", f"/api/workflows/{slug}/run", 200, json={"inputs": {"prompt": "A fox in the snow"}})
    expect(body["success"] is True, body)
    fits(body, {"result": "object", "cost": "number", "ms": "number"})
    client.delete(f"{URL}/api/workflows/{slug}", timeout=60).raise_for_status()


STEPS = {"whoami": whoami, "run": run, "async": run_async, "cancel": cancel, "errors": errors, "usage": usage,
         "workflows": workflows}

for name, step in STEPS.items():
    if name in LEFT_OUT:
        body, _ = ask("GET", f"/api/{name}", 404)
        expect(body["code"] == "NOT_FOUND", f"{name} is served now: take it out of LEFT_OUT")
        print("left out:", name)
    else:
        step()
        print("done:", name)
