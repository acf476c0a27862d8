"""Runs the Python clients that people point at a vLLM server against a running one and checks what they make of it.

    python -m venv venv && venv/bin/pip install openai anthropic litellm langchain-openai langchain-anthropic \
        mcp pyzmq msgpack prometheus_client
    venv/bin/python apps/sim-server/scripts/check_python_clients.py http://127.0.0.1:8000

The server needs room for 50 requests at a time (--max-num-seqs and --max-waiting-queue-length by default have it). With
--kv-events ADDRESS a subscriber binds there first and waits for the blocks of a prompt: start the server with
--enable-kvcache --zmq-endpoint ADDRESS then. Prints each check; the exit status is 1 when one of them fails.
"""

import argparse
import asyncio
import json
import os
import sys
import time
import traceback
import urllib.request

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import anthropic
import httpx
import litellm
import openai
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

litellm.suppress_debug_info = True

parser = argparse.ArgumentParser()
parser.add_argument("url", help="base URL of the server, without /v1")
parser.add_argument("--kv-events", metavar="ADDRESS", help="where to listen, such as tcp://127.0.0.1:5557")
arguments = parser.parse_args()
URL = arguments.url.rstrip("/")
MODEL = json.load(urllib.request.urlopen(f"{URL}/v1/models"))["data"][0]["id"]
MESSAGES = [{"role": "user", "content": "What is the weather in Paris?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "number"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}
STATUSES = [400, 401, 403, 404, 422, 429, 500, 503]


class Weather(BaseModel):
    """The weather of a place"""

    city: str
    celsius: float


checks = []


def check(function):
    checks.append(function)
    return function


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"expected {kind.__name__}, nothing was raised")


client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0, timeout=60)
claude = anthropic.Anthropic(base_url=URL, api_key="none", max_retries=0, timeout=60)


def openai_error(status):
    return {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
    }.get(status, openai.InternalServerError)


@check
def openai_chat():
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=20, seed=1, logprobs=True)
    assert answer.choices[0].message.content and answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert len(answer.choices[0].logprobs.content) == answer.usage.completion_tokens
    assert len(client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=3, n=3).choices) == 3


@check
def openai_chat_stream():
    whole = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=20, seed=1)
    text, usage = "", None
    chunks = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, max_tokens=20, seed=1, stream=True, stream_options={"include_usage": True}
    )
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
    assert text == whole.choices[0].message.content
    assert usage == whole.usage, (usage, whole.usage)


@check
def openai_chat_stream_helper():
    with client.chat.completions.stream(model=MODEL, messages=MESSAGES, tools=[
        {**TOOL, "function": {**TOOL["function"], "strict": True}}
    ], tool_choice="required") as stream:
        kinds = [event.type for event in stream]
    assert "tool_calls.function.arguments.delta" in kinds and "tool_calls.function.arguments.done" in kinds, kinds
    call = stream.get_final_completion().choices[0].message.tool_calls[0]
    Weather.model_validate_json(call.function.arguments)
    with client.chat.completions.stream(model=MODEL, messages=MESSAGES, response_format=Weather) as stream:
        stream.until_done()
    assert isinstance(stream.get_final_completion().choices[0].message.parsed, Weather)


@check
def openai_chat_tools():
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=[TOOL], tool_choice=choice)
        message = answer.choices[0].message
        assert answer.choices[0].finish_reason == "tool_calls"
        Weather.model_validate_json(message.tool_calls[0].function.arguments)
    turn = [
        *MESSAGES,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=turn, tools=[TOOL], tool_choice="none")
    assert answer.choices[0].message.content
    arguments = {}
    for chunk in client.chat.completions.create(
        model=MODEL, messages=MESSAGES, tools=[TOOL, TOOL], tool_choice="required", stream=True
    ):
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments[call.index] = arguments.get(call.index, "") + call.function.arguments
    for text in arguments.values():
        Weather.model_validate_json(text)


@check
def openai_structured():
    parsed = client.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=Weather)
    assert isinstance(parsed.choices[0].message.parsed, Weather)
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
    for extra, fits in (
        ({"structured_outputs": {"choice": ["red", "green"]}}, lambda text: text in ("red", "green")),
        ({"structured_outputs": {"regex": r"\d{3}-[a-f]+"}}, lambda text: text[:3].isdigit() and text[3] == "-"),
        ({"guided_json": SCHEMA}, lambda text: Weather.model_validate_json(text)),
    ):
        answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, extra_body=extra)
        assert fits(answer.choices[0].message.content), (extra, answer.choices[0].message.content)
    raises(
        openai.LengthFinishReasonError,
        lambda: client.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=Weather, max_tokens=1),
    )


@check
def openai_completions():
    answer = client.completions.create(model=MODEL, prompt=["one", "two"], max_tokens=5, n=2, logprobs=2, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    texts = ["", "", "", ""]
    for chunk in client.completions.create(
        model=MODEL, prompt=["one", "two"], max_tokens=5, n=2, seed=1, stream=True
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in answer.choices]
    assert client.completions.create(model=MODEL, prompt=[1, 2, 3], max_tokens=1).usage.prompt_tokens == 3


@check
def openai_responses():
    answer = client.responses.create(model=MODEL, input="Hello", instructions="Be brief")
    assert answer.output_text and answer.status == "completed"
    assert client.responses.retrieve(answer.id).output_text == answer.output_text
    following = client.responses.create(model=MODEL, input="And?", previous_response_id=answer.id)
    assert following.usage.input_tokens > answer.usage.input_tokens
    with client.responses.stream(model=MODEL, input="Hello") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    assert stream.get_final_response().output_text == text
    assert isinstance(client.responses.parse(model=MODEL, input="Hello", text_format=Weather).output_parsed, Weather)
    with client.responses.stream(model=MODEL, input="Hello", text_format=Weather) as stream:
        stream.until_done()
    assert isinstance(stream.get_final_response().output_parsed, Weather)
    tool = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}
    call = client.responses.create(model=MODEL, input="Hello", tools=[tool]).output[0]
    Weather.model_validate_json(call.arguments)
    items = [
        {"role": "user", "content": "Hello"},
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    assert client.responses.create(model=MODEL, input=items, tools=[tool]).output_text
    waiting = client.responses.create(model=MODEL, input="Hello", background=True)
    while waiting.status in ("queued", "in_progress"):
        time.sleep(0.02)
        waiting = client.responses.retrieve(waiting.id)
    assert waiting.status == "completed" and waiting.output_text
    raises(openai.NotFoundError, lambda: client.responses.retrieve("resp_none"))


@check
def openai_embeddings_and_models():
    floats = client.embeddings.create(model=MODEL, input=["a b", "c"], dimensions=8, encoding_format="float")
    coded = client.embeddings.create(model=MODEL, input=["a b", "c"], dimensions=8)
    for one, other in zip(floats.data, coded.data):
        assert len(one.embedding) == 8
        assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding))
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL


@check
def openai_errors():
    for status in STATUSES:
        headers = {"X-Return-Error": str(status)}
        for stream in (False, True):
            error = raises(
                openai_error(status),
                lambda: client.chat.completions.create(
                    model=MODEL, messages=MESSAGES, extra_headers=headers, stream=stream
                ),
            )
            assert error.status_code == status and f"(code {status})" in error.message
    raises(openai.NotFoundError, lambda: client.chat.completions.create(model="none", messages=MESSAGES))
    error = raises(
        openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=10**6)
    )
    assert "maximum context length is" in error.message
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=0))


@check
def openai_many_at_once():
    async def run():
        many = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0, timeout=60)

        async def one(number):
            stream = await many.chat.completions.create(
                model=MODEL, messages=MESSAGES, max_tokens=20, stream=True, extra_body={"ignore_eos": True}
            )
            return sum([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

        counts = await asyncio.gather(*(one(number) for number in range(50)))
        assert counts == [20] * 50, counts
        await many.close()

    asyncio.run(run())


@check
def anthropic_messages():
    message = claude.messages.create(model=MODEL, max_tokens=50, messages=MESSAGES, system="Be brief")
    assert message.content[0].text and message.stop_reason in ("end_turn", "max_tokens")
    counted = claude.messages.count_tokens(model=MODEL, messages=MESSAGES, system="Be brief")
    assert counted.input_tokens == message.usage.input_tokens
    with claude.messages.stream(model=MODEL, max_tokens=50, messages=MESSAGES, system="Be brief") as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.content[0].text == text
    assert final.usage.input_tokens == message.usage.input_tokens and final.usage.output_tokens > 0


@check
def anthropic_tools():
    tool = {"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        message = claude.messages.create(
            model=MODEL, max_tokens=50, messages=MESSAGES, tools=[tool], tool_choice=choice
        )
        assert message.stop_reason == "tool_use"
        Weather.model_validate(message.content[0].input)
    with claude.messages.stream(
        model=MODEL, max_tokens=50, messages=MESSAGES, tools=[tool], tool_choice={"type": "any"}
    ) as stream:
        final = stream.get_final_message()
    Weather.model_validate(final.content[-1].input)
    turn = [
        *MESSAGES,
        {"role": "assistant", "content": [block.model_dump() for block in final.content]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": final.content[-1].id, "content": "sunny"}],
        },
    ]
    answer = claude.messages.create(
        model=MODEL, max_tokens=50, messages=turn, tools=[tool], tool_choice={"type": "none"}
    )
    assert answer.content[0].type == "text"


@check
def anthropic_tool_runner():
    asked = []

    @anthropic.beta_tool
    def get_weather(city: str, celsius: float) -> str:
        """The weather of a place

        Args:
            city: where
            celsius: how warm
        """
        asked.append(city)
        return "sunny"

    # A model decides anew in each turn whether it calls; sooner or later there is an answer.
    for attempt in range(10):
        runner = claude.beta.messages.tool_runner(
            model=MODEL, max_tokens=200, tools=[get_weather], messages=MESSAGES, max_iterations=30
        )
        final = runner.until_done()
        if asked:
            break
    assert asked and final.stop_reason in ("end_turn", "max_tokens"), (asked, final.stop_reason)


@check
def anthropic_structured_and_thinking():
    parsed = claude.messages.parse(model=MODEL, max_tokens=200, messages=MESSAGES, output_format=Weather)
    assert isinstance(parsed.parsed_output, Weather)
    thought = claude.messages.create(
        model=MODEL, max_tokens=900, messages=MESSAGES, thinking={"type": "enabled", "budget_tokens": 500}
    )
    assert [block.type for block in thought.content] == ["thinking", "text"]


@check
def anthropic_errors():
    kinds = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        403: anthropic.PermissionDeniedError,
        404: anthropic.NotFoundError,
        422: anthropic.UnprocessableEntityError,
        429: anthropic.RateLimitError,
    }
    for status in STATUSES:
        error = raises(
            kinds.get(status, anthropic.InternalServerError),
            lambda: claude.messages.create(
                model=MODEL, max_tokens=5, messages=MESSAGES, extra_headers={"X-Return-Error": str(status)}
            ),
        )
        assert error.status_code == status
    raises(anthropic.NotFoundError, lambda: claude.messages.create(model="none", max_tokens=5, messages=MESSAGES))


def lite(**more):
    settings = {"model": f"hosted_vllm/{MODEL}", "api_base": f"{URL}/v1", "api_key": "none", "num_retries": 0}
    return litellm.completion(**{**settings, "messages": MESSAGES, **more})


@check
def litellm_completion():
    answer = lite(max_tokens=20, seed=1)
    assert answer.choices[0].message.content and answer.usage.total_tokens > 0
    chunks = list(lite(max_tokens=20, seed=1, stream=True, stream_options={"include_usage": True}))
    rebuilt = litellm.stream_chunk_builder(chunks, messages=MESSAGES)
    assert rebuilt.choices[0].message.content == answer.choices[0].message.content
    assert rebuilt.usage.completion_tokens == answer.usage.completion_tokens
    called = lite(tools=[TOOL], tool_choice="required")
    Weather.model_validate_json(called.choices[0].message.tool_calls[0].function.arguments)
    called = litellm.stream_chunk_builder(list(lite(tools=[TOOL], tool_choice="required", stream=True)))
    Weather.model_validate_json(called.choices[0].message.tool_calls[0].function.arguments)
    structured = lite(response_format=Weather)
    Weather.model_validate_json(structured.choices[0].message.content)


@check
def litellm_others():
    settings = {"api_base": f"{URL}/v1", "api_key": "none"}
    text = litellm.text_completion(
        model=f"text-completion-openai/{MODEL}", prompt="Say", max_tokens=5, **settings
    )
    assert text.choices[0].text
    vectors = litellm.embedding(model=f"hosted_vllm/{MODEL}", input=["a", "b"], encoding_format="float", **settings)
    assert [len(one["embedding"]) for one in vectors.data] == [384, 384]
    answer = litellm.responses(model=f"openai/{MODEL}", input="Hello", **settings)
    assert answer.output[0].content[0].text
    message = litellm.completion(
        model=f"anthropic/{MODEL}", api_base=URL, api_key="none", messages=MESSAGES, max_tokens=20
    )
    assert message.choices[0].message.content


@check
def litellm_errors():
    kinds = {
        400: litellm.BadRequestError,
        401: litellm.AuthenticationError,
        403: litellm.APIError,  # its own choice for statuses that it has no class for
        404: litellm.NotFoundError,
        422: litellm.BadRequestError,
        429: litellm.RateLimitError,
        500: litellm.InternalServerError,
        503: litellm.ServiceUnavailableError,
    }
    for status, kind in kinds.items():
        raises(kind, lambda: lite(extra_headers={"X-Return-Error": str(status)}))
    raises(litellm.NotFoundError, lambda: lite(model="hosted_vllm/none"))
    raises(litellm.ContextWindowExceededError, lambda: lite(max_tokens=10**6))


@check
def langchain_openai_chat():
    chat = ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key="none", max_retries=0, seed=1, stream_usage=True)
    answer = chat.invoke("What is the weather?")
    assert answer.content and answer.usage_metadata["total_tokens"] > 0
    pieces = list(chat.stream("What is the weather?"))
    assert "".join(piece.content for piece in pieces) == answer.content
    bound = chat.bind_tools([TOOL], tool_choice="required")
    Weather.model_validate(bound.invoke("Weather?").tool_calls[0]["args"])
    total = None
    for piece in bound.stream("Weather?"):
        total = piece if total is None else total + piece
    Weather.model_validate(total.tool_calls[0]["args"])
    for method in ("function_calling", "json_schema"):
        assert isinstance(chat.with_structured_output(Weather, method=method).invoke("Weather?"), Weather)
    assert len(chat.batch(["a", "b", "c"])) == 3
    raises(openai.NotFoundError, lambda: ChatOpenAI(model="none", base_url=f"{URL}/v1", api_key="none").invoke("x"))
    responses = ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key="none", use_responses_api=True)
    assert responses.invoke("Hello").text
    assert "".join(piece.text for piece in responses.stream("Hello"))


@check
def langchain_openai_embeddings():
    embeddings = OpenAIEmbeddings(
        model=MODEL, base_url=f"{URL}/v1", api_key="none", dimensions=8, check_embedding_ctx_length=False
    )
    assert [len(vector) for vector in embeddings.embed_documents(["a", "b c"])] == [8, 8]


@check
def langchain_anthropic_chat():
    chat = ChatAnthropic(model_name=MODEL, base_url=URL, api_key="none", max_retries=0, max_tokens=100)
    answer = chat.invoke("What is the weather?")
    assert answer.content and answer.usage_metadata["input_tokens"] > 0
    assert "".join(piece.text for piece in chat.stream("What is the weather?"))
    bound = chat.bind_tools([TOOL], tool_choice="any")
    Weather.model_validate(bound.invoke("Weather?").tool_calls[0]["args"])
    total = None
    for piece in bound.stream("Weather?"):
        total = piece if total is None else total + piece
    Weather.model_validate(total.tool_calls[0]["args"])
    assert isinstance(chat.with_structured_output(Weather).invoke("Weather?"), Weather)


@check
def raw_http():
    with httpx.Client(base_url=URL) as http:
        for path in ("/health", "/ping", "/version", "/v1/models", "/metrics"):
            assert http.get(path).status_code == 200, path
        tokens = http.post("/tokenize", json={"model": MODEL, "prompt": "Hello world!"}).json()["tokens"]
        assert http.post("/detokenize", json={"model": MODEL, "tokens": tokens}).json()["prompt"] == "Hello world!"


@check
def prometheus_metrics():
    before = samples()
    client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=7, extra_body={"ignore_eos": True})
    after = samples()
    for name, step in (
        ("vllm:generation_tokens_total", 7),
        ("vllm:e2e_request_latency_seconds_count", 1),
        ("vllm:time_to_first_token_seconds_count", 1),
        ("vllm:inter_token_latency_seconds_count", 6),
    ):
        assert after[name] - before[name] == step, (name, before[name], after[name])
    assert after["vllm:num_requests_running"] == after["vllm:num_requests_waiting"] == 0


def samples():
    text = urllib.request.urlopen(f"{URL}/metrics").read().decode()
    totals = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0) + sample.value
    return totals


if arguments.kv_events:
    import msgpack
    import zmq

    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.bind(arguments.kv_events)
    socket.setsockopt(zmq.SUBSCRIBE, b"kv@")
    socket.setsockopt(zmq.RCVTIMEO, 3000)

    @check
    def kv_events():
        last = None
        for attempt in range(10):
            ids = list(range(attempt * 1000, attempt * 1000 + 300))
            client.completions.create(model=MODEL, prompt=ids, max_tokens=1)
            try:
                topic, sequence, payload = socket.recv_multipart()
            except zmq.Again:
                continue
            assert topic.decode().split("@")[0] == "kv" and topic.decode().endswith(f"@{MODEL}"), topic
            number = int.from_bytes(sequence, "big")
            assert last is None or number == last + 1, (last, number)
            last = number
            timestamp, events, rank = msgpack.unpackb(payload)
            assert abs(timestamp - time.time()) < 60 and rank == 0
            for event in events:
                if isinstance(event, dict):
                    kind, hashes, tokens, size = (
                        event[name] for name in ("type", "block_hashes", "token_ids", "block_size")
                    )
                else:
                    kind, hashes, _, tokens, size = event[:5]
                assert kind == "BlockStored" and len(tokens) == len(hashes) * size, event
        assert last is not None, "no event came"


failed = 0
for one in checks:
    start = time.time()
    try:
        one()
        print(f"ok    {one.__name__} ({time.time() - start:.2f} s)", flush=True)
    except Exception:
        failed += 1
        print(f"FAIL  {one.__name__}\n{traceback.format_exc()}", flush=True)
print(f"{len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
