"""The simulator's Messages API through the `anthropic` package."""

import anthropic
from simulator import URL, behave, books, check, equal, finish, raises

client = anthropic.Anthropic(base_url=URL + "/anthropic", api_key="a-key", max_retries=0, timeout=60)
TOOL = {"name": "look_up", "description": "Looks up", "input_schema": {"type": "object", "properties": {}}}


def ask(prompt="Hello", **options):
    options = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]} | options
    return client.messages.create(**options)


def stream(prompt="Hello", **options):
    options = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]} | options
    return client.messages.stream(**options)


def success():
    message = ask("Hello there", system="Be brief")
    equal("the text", message.content[0].text, "You asked: Hello there")
    equal("the reason to stop", message.stop_reason, "end_turn")
    check("input was counted", message.usage.input_tokens > 0, message.usage)
    equal("output tokens", message.usage.output_tokens, 6)
    raw = client.messages.with_raw_response.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
    )
    check("a request id", raw.headers["request-id"].startswith("req_"))
    check("limits are told", int(raw.headers["anthropic-ratelimit-output-tokens-remaining"]) > 0)
    counted = client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "x" * 400}])
    check("tokens are counted", counted.input_tokens >= 100, counted)


def stop_reasons():
    equal("cut", ask("long " * 100, max_tokens=3).stop_reason, "max_tokens")
    stopped = ask("one STOP two", stop_sequences=["STOP"])
    equal("stopped", (stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "STOP"))
    used = ask("weather", tools=[TOOL], tool_choice={"type": "any"})
    equal("tool", (used.stop_reason, used.content[1].type, used.content[1].name), ("tool_use", "tool_use", "look_up"))
    equal("refusal", ask("[[fault:refusal]]").stop_reason, "refusal")
    for reason in ["pause_turn", "model_context_window_exceeded"]:
        equal("marked", ask(f"[[stop:{reason}]]").stop_reason, reason)


def streaming():
    with stream("Hello there") as events:
        text = "".join(events.text_stream)
        message = events.get_final_message()
    equal("the streamed text", text, "You asked: Hello there")
    equal("the streamed reason", message.stop_reason, "end_turn")
    equal("the cumulative output", message.usage.output_tokens, 6)
    with stream("weather", tools=[TOOL], tool_choice={"type": "any"}) as events:
        message = events.get_final_message()
    equal("the tool's input", message.content[1].input, {"query": "weather"})
    with stream("[[fault:refusal]]") as events:
        equal("a streamed refusal", events.get_final_message().stop_reason, "refusal")
    kinds = [event.type for event in client.messages.create(
        model="m", max_tokens=9, stream=True, messages=[{"role": "user", "content": "x"}]
    )]
    equal("the first events", kinds[:2], ["message_start", "content_block_start"])
    equal("the last events", kinds[-3:], ["content_block_stop", "message_delta", "message_stop"])


def broken_streams():
    def drain(prompt):
        with stream(prompt) as events:
            for _ in events:
                pass

    # After a 200 the package knows the error by its type, not by a status.
    error = raises(anthropic.APIStatusError, lambda: drain("a story [[fault:streamError]]"))
    equal("the error after a 200", error.type, "overloaded_error")
    try:
        drain("a story [[fault:truncate]]")
        check("a cut stream is noticed", False)
    except Exception as error:
        check("a cut stream is no error of the API", not isinstance(error, anthropic.APIStatusError), error)


def errors():
    table = [
        ("refuse", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("unauthorised", anthropic.AuthenticationError, 401, "authentication_error"),
        ("noCredit", anthropic.PaymentRequiredError, 402, "billing_error"),
        ("forbidden", anthropic.PermissionDeniedError, 403, "permission_error"),
        ("notFound", anthropic.NotFoundError, 404, "not_found_error"),
        ("conflict", anthropic.ConflictError, 409, "conflict"),
        ("tooLarge", anthropic.ContentTooLargeError, 413, "request_too_large"),
        ("rateLimit", anthropic.RateLimitError, 429, "rate_limit_error"),
        ("error500", anthropic.InternalServerError, 500, "api_error"),
        ("gatewayTimeout", anthropic.GatewayTimeoutError, 504, "timeout_error"),
        ("overloaded", anthropic.OverloadedError, 529, "overloaded_error"),
    ]
    for fault, kind, status, name in table:
        error = raises(kind, lambda: ask(f"[[fault:{fault}]]"))
        equal(fault, (error.status_code, error.type), (status, name))
        check("a request id", error.request_id is not None, error)
    raises(anthropic.APIConnectionError, lambda: ask("[[fault:drop]]"))
    raises(anthropic.APITimeoutError, lambda: client.with_options(timeout=0.5).messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "[[fault:hang]]"}]
    ))
    error = raises(anthropic.BadRequestError, lambda: ask(max_tokens=0))
    check("the field is named", "max_tokens" in str(error), error)


def retries():
    behave(faults=["overloaded", "rateLimit"])
    before = books("anthropic")["submitted"]
    patient = client.with_options(max_retries=3)
    message = patient.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}])
    equal("the third try", message.stop_reason, "end_turn")
    equal("requests", books("anthropic")["submitted"] - before, 3)


success()
stop_reasons()
streaming()
broken_streams()
errors()
retries()
finish()
