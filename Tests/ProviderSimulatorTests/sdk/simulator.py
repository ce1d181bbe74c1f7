"""What the scripts in this folder share: they ask a running simulator through a vendor's own client."""

import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

URL = sys.argv[1]
# Long enough for a busy machine; nothing waits for so long unless something is broken.
PATIENCE_SECONDS = 60
_checks = 0


def ask(method, path, body=None):
    """Asks the simulator itself, not a vendor."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        text = response.read()
    return json.loads(text) if text else None


def behave(**script):
    """Sets the script for every run."""
    ask("POST", "/_simulator/script", script)


def skip(seconds):
    """Lets time pass at once."""
    ask("POST", "/_simulator/skip", {"milliseconds": seconds * 1_000})


def books(provider):
    return ask("GET", "/_simulator/books")["providers"].get(provider, {})


def check(what, is_so, seen=None):
    global _checks
    _checks += 1
    if not is_so:
        raise SystemExit(f"not so: {what}; seen: {seen!r}")


def equal(what, seen, wanted):
    check(f"{what} is {wanted!r}", seen == wanted, seen)


def raises(kind, call):
    """The error of exactly this type that a call raises."""
    try:
        outcome = call()
    except Exception as error:
        check(f"the error is {kind.__name__}", type(error) is kind, error)
        return error
    raise SystemExit(f"no {kind.__name__} was raised, but {outcome!r} returned")


def eventually(what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        outcome = condition()
        if outcome:
            return outcome
        time.sleep(0.05)
    raise SystemExit(f"never came: {what}")


def finish():
    """Says how much was checked: the caller wants to know that it was not nothing."""
    print(f"checks: {_checks}")


class Receiver:
    """A server that keeps the callbacks it is sent."""

    def __init__(self, failures=0):
        self.calls = []
        self.failures = failures
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.calls.append((dict(self.headers.items()), body))
                refused = len(receiver.calls) <= receiver.failures
                self.send_response(500 if refused else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/callback"

    def wait(self, count):
        eventually(f"{count} callbacks", lambda: len(self.calls) >= count)
        return [(headers, body, json.loads(body)) for headers, body in self.calls]
