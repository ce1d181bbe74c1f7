"""The simulator's images, chat completions and responses through the `openai` package."""

import base64
import io

import openai
from simulator import URL, behave, books, check, equal, finish, raises

client = openai.OpenAI(base_url=URL + "/openai/v1", api_key="a-key", max_retries=0, timeout=60)
PNG = b"\x89PNG\r\n\x1a\n"


def generate(prompt="A fox", **options):
    return client.images.generate(model="gpt-image-2", prompt=prompt, **options)


def chat(prompt="Hello", **options):
    return client.chat.completions.create(model="gpt-5.4-mini", messages=[{"role": "user", "content": prompt}], **options)


def images():
    answer = generate(n=2, size="1536x1024", quality="high")
    equal("images", len(answer.data), 2)
    for image in answer.data:
        check("a picture in Base64", base64.b64decode(image.b64_json).startswith(PNG))
        equal("no URL", image.url, None)
    equal("the settings", (answer.size, answer.quality, answer.output_format), ("1536x1024", "high", "png"))
    usage = answer.usage
    equal("tokens", usage.total_tokens, usage.input_tokens + usage.output_tokens)
    equal("image tokens", usage.output_tokens, 2 * 1_056)
    equal("the size asked for", len(base64.b64decode(generate("[[bytes:70000]]").data[0].b64_json)), 70_000)
    edited = client.images.edit(model="gpt-image-2", image=("a.png", io.BytesIO(PNG), "image/png"), prompt="Bluer")
    equal("an edit", len(edited.data), 1)
    events = list(generate(stream=True, partial_images=2))
    kinds = [event.type for event in events]
    equal("the stream", kinds, ["image_generation.partial_image"] * 2 + ["image_generation.completed"])
    equal("the parts", [event.partial_image_index for event in events[:2]], [0, 1])
    check("the stream's usage", events[-1].usage.total_tokens > 0)


def chats():
    answer = chat("Hello there")
    equal("the text", answer.choices[0].message.content, "You asked: Hello there")
    equal("the reason", answer.choices[0].finish_reason, "stop")
    equal("tokens", answer.usage.completion_tokens, 6)
    equal("cut", chat("long " * 50, max_completion_tokens=3).choices[0].finish_reason, "length")
    text, usage = "", None
    for chunk in chat("Hello there", stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        usage = chunk.usage or usage
    equal("the streamed text", text, "You asked: Hello there")
    equal("the streamed usage", usage.completion_tokens, 6)


def responses():
    answer = client.responses.create(model="gpt-5.4-mini", input="Hello there", instructions="Be brief")
    equal("the text", answer.output_text, "You asked: Hello there")
    equal("the status", answer.status, "completed")
    equal("tokens", answer.usage.output_tokens, 6)
    cut = client.responses.create(model="m", input="long " * 50, max_output_tokens=3)
    equal("cut", (cut.status, cut.incomplete_details.reason), ("incomplete", "max_output_tokens"))
    with client.responses.stream(model="m", input="Hello there") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    equal("the streamed text", final.output_text, "You asked: Hello there")
    equal("the first event", kinds[0], "response.created")
    equal("the last event", kinds[-1], "response.completed")


def errors():
    table = [
        ("refuse", openai.BadRequestError, 400, "moderation_blocked"),
        ("unauthorised", openai.AuthenticationError, 401, "invalid_api_key"),
        ("noCredit", openai.RateLimitError, 429, "insufficient_quota"),
        ("forbidden", openai.PermissionDeniedError, 403, "unsupported_country_region_territory"),
        ("notFound", openai.NotFoundError, 404, "model_not_found"),
        ("conflict", openai.ConflictError, 409, "conflict"),
        ("rateLimit", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("error500", openai.InternalServerError, 500, "server_error"),
        ("overloaded", openai.InternalServerError, 503, "server_overloaded"),
    ]
    for fault, kind, status, code in table:
        for call in [generate, chat]:
            error = raises(kind, lambda: call(f"[[fault:{fault}]]"))
            equal(fault, (error.status_code, error.code), (status, code))
            check("a request id", error.request_id is not None, error)
    raises(openai.APIConnectionError, lambda: generate("[[fault:drop]]"))
    raises(openai.APITimeoutError, lambda: client.with_options(timeout=0.5).images.generate(
        model="gpt-image-2", prompt="[[fault:hang]]"
    ))
    error = raises(openai.BadRequestError, lambda: generate(n=11))
    equal("the field", error.param, "n")
    raises(openai.APIError, lambda: list(chat("Hello there [[fault:streamError]]", stream=True)))


def retries():
    behave(faults=["overloaded", "error500"])
    before = books("openai")["submitted"]
    client.with_options(max_retries=3).images.generate(model="gpt-image-2", prompt="x")
    equal("requests", books("openai")["submitted"] - before, 3)


images()
chats()
responses()
errors()
retries()
finish()
