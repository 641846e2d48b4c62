"""What the simulator answers when nothing goes wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic, NotFoundError
from anthropic.types import Message

from antiphon.simulator import (
    Events,
    Reply,
    Simulator,
    cut_tool_call,
    empty,
    pause_turn,
    refusal,
    running,
    tool_call,
)

Ask = Callable[..., Awaitable[Message]]
Stream = Callable[..., Awaitable[list[Any]]]


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def streamed_text(events: list[Any]) -> list[str]:
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    return [delta.text for delta in deltas if delta.type == "text_delta"]


async def test_the_answer_repeats_what_was_said_and_how_long_the_history_is(ask: Ask) -> None:
    first = await ask()
    assert text_of(first) == 'You said: "Hello". That was message 1.'
    assert first.stop_reason == "end_turn"
    history = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": text_of(first)},
        {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
    ]
    assert text_of(await ask(messages=history)) == 'You said: "And now?". That was message 3.'


async def test_a_stream_brings_the_same_words_one_by_one(ask: Ask, stream: Stream) -> None:
    whole, events = await ask(), await stream()
    assert "".join(streamed_text(events)) == text_of(whole)
    assert len(streamed_text(events)) == 7
    assert events[0].type == "message_start"
    assert events[-1].type == "message_stop"
    assert events[-2].usage.output_tokens == whole.usage.output_tokens


async def test_the_sdk_s_stream_helper_is_content(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    async with client.messages.stream(**question) as stream:
        message = await stream.get_final_message()
    assert text_of(message) == 'You said: "Hello". That was message 1.'
    assert message.stop_reason == "end_turn"
    assert stream.request_id == "req_sim_000001"


async def test_the_default_transport_reads_it_too(
    httpx_client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    async with httpx_client.messages.stream(**question) as stream:
        assert await stream.get_final_text() == 'You said: "Hello". That was message 1.'


def test_a_test_without_an_event_loop_runs_it_in_a_thread(question: dict[str, Any]) -> None:
    with running() as simulator, Anthropic(base_url=simulator.url, api_key="any", max_retries=0) as client:
        simulator.script(Reply(text="From the thread"))
        with client.messages.stream(**question) as stream:
            assert stream.get_final_text() == "From the thread"
        assert text_of(client.messages.create(**question)) == 'You said: "Hello". That was message 1.'
        seen = simulator.wait_until(lambda seen: len(seen) == 2 and seen[-1].ended_at is not None)
        assert [request.status for request in seen] == [200, 200]


async def test_counted_tokens_are_those_of_the_usage(
    client: AsyncAnthropic, ask: Ask, question: dict[str, Any]
) -> None:
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    tool: Any = {"name": "clock", "input_schema": {"type": "object"}}
    counted = await client.messages.count_tokens(
        model=question["model"], messages=question["messages"], system=system, tools=[tool]
    )
    answered = await ask(system=system, tools=[tool])
    assert counted.input_tokens == answered.usage.input_tokens


async def test_four_bytes_are_a_token_however_the_prompt_is_spelled(ask: Ask) -> None:
    spellings: list[Any] = [
        "12345678",
        [{"type": "text", "text": "12345678"}],
        [{"type": "text", "text": "12345678", "cache_control": {"type": "ephemeral"}}],
    ]
    counts = [(await ask(messages=[{"role": "user", "content": each}])).usage for each in spellings]
    assert [usage.input_tokens for usage in counts] == [2, 2, 2]
    assert {usage.cache_read_input_tokens for usage in counts} == {0}


async def test_the_models_of_today_are_listed(client: AsyncAnthropic) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5", "claude-fable-5-2"} <= set(names)
    sonnet = await client.models.retrieve("claude-sonnet-5-5")
    assert (sonnet.display_name, sonnet.max_input_tokens) == ("Claude Sonnet 5.5", 1_000_000)
    with pytest.raises(NotFoundError):
        await client.models.retrieve("claude-0")


async def test_other_models_can_be_added() -> None:
    async with (
        Simulator(extra_models=["house-model"]) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any") as client,
    ):
        answer = await client.messages.create(
            model="house-model", max_tokens=10, messages=[{"role": "user", "content": "Hi"}]
        )
        assert answer.model == "house-model"


async def test_an_answer_never_exceeds_max_tokens(ask: Ask) -> None:
    answer = await ask(max_tokens=3)
    assert text_of(answer) == 'You said: "H'
    assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 3)


async def test_every_answer_tells_the_rate_limits(client: AsyncAnthropic, question: dict[str, Any]) -> None:
    response = await client.messages.with_raw_response.create(**question)
    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit, left = (
            int(response.headers[f"anthropic-ratelimit-{kind}-{fact}"]) for fact in ("limit", "remaining")
        )
        assert 0 < left <= limit
        assert response.headers[f"anthropic-ratelimit-{kind}-reset"].endswith("Z")


async def test_no_tokens_asked_for_warms_the_cache_only(ask: Ask) -> None:
    answer = await ask(max_tokens=0)
    assert (answer.content, answer.stop_reason, answer.usage.output_tokens) == ([], "max_tokens", 0)


async def test_a_benchmark_asks_for_deltas_of_a_given_number_and_length(
    simulator: Simulator, stream: Stream
) -> None:
    simulator.script(Reply(deltas=50, delta_chars=20))
    assert [len(text) for text in streamed_text(await stream())] == [20] * 50


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (Reply(text="one two  three"), ["one", " two", "  three"]),
        (Reply(text="one two three", deltas=2), ["one tw", "o three"]),
        (Reply(text="one two", delta_chars=3), ["one", " tw", "o"]),
    ],
)
async def test_a_text_is_divided_as_the_script_says(
    simulator: Simulator, stream: Stream, reply: Reply, texts: list[str]
) -> None:
    simulator.script(reply)
    assert streamed_text(await stream()) == texts


async def test_thinking_is_shown_as_the_request_asks(simulator: Simulator, ask: Ask, stream: Stream) -> None:
    simulator.script(*[Reply(thinking="Let me see.", text="Yes.")] * 4)
    shown = await ask(thinking={"type": "adaptive", "display": "summarized"})
    hidden = await ask()
    none = await ask(model="claude-sonnet-5", thinking={"type": "disabled"})
    assert [block.type for block in shown.content] == ["thinking", "text"]
    assert [getattr(block, "thinking", None) for block in shown.content] == ["Let me see.", None]
    assert getattr(hidden.content[0], "thinking", None) == ""
    assert getattr(hidden.content[0], "signature", None)
    assert shown.usage == hidden.usage
    assert [block.type for block in none.content] == ["text"]
    deltas = [event.delta.type for event in await stream() if event.type == "content_block_delta"]
    assert deltas == ["signature_delta", "text_delta"]


async def test_a_tool_is_called_with_input_in_fragments(
    simulator: Simulator, ask: Ask, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    simulator.script(*[tool_call("weather", {"city": "Zürich"}, text="One moment.")] * 2)
    async with client.messages.stream(**question) as stream:
        streamed = await stream.get_final_message()
    for message in (streamed, await ask()):
        call = message.content[1]
        assert call.type == "tool_use"
        assert (call.name, call.input, message.stop_reason) == ("weather", {"city": "Zürich"}, "tool_use")
        assert call.id.startswith("toolu_")


async def test_max_tokens_can_cut_a_tool_s_input(simulator: Simulator, stream: Stream, ask: Ask) -> None:
    simulator.script(*[cut_tool_call("weather", '{"city": "Zü')] * 2)
    events = await stream()
    fragments = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
    assert "".join(fragments) == '{"city": "Zü'
    assert events[-2].delta.stop_reason == "max_tokens"
    assert getattr((await ask()).content[0], "input", None) == {}


@pytest.mark.parametrize(
    ("reply", "content", "stop_reason"),
    [
        (refusal(), [], "refusal"),
        (refusal("Well,"), ["text"], "refusal"),
        (pause_turn(), ["text", "server_tool_use"], "pause_turn"),
        (empty(), [], "end_turn"),
        (Reply(stop_reason="stop_sequence", stop_sequence="END"), ["text"], "stop_sequence"),
        (Reply(stop_reason="out_of_ink"), ["text"], "out_of_ink"),
        (Reply(content=({"type": "hologram", "data": "…"},)), ["hologram"], "end_turn"),
    ],
)
async def test_every_ending_comes_whole_and_streamed_alike(
    simulator: Simulator,
    ask: Ask,
    client: AsyncAnthropic,
    question: dict[str, Any],
    reply: Reply,
    content: list[str],
    stop_reason: str,
) -> None:
    simulator.script(reply, reply)
    async with client.messages.stream(**question) as stream:
        streamed = await stream.get_final_message()
    for message in (await ask(), streamed):
        assert [block.type for block in message.content] == content
        assert message.stop_reason == stop_reason
        assert message.stop_sequence == reply.stop_sequence


async def test_a_refusal_says_what_kind_it_is(simulator: Simulator, ask: Ask, stream: Stream) -> None:
    simulator.script(*[refusal(category="cyber", explanation="No.")] * 2)
    answer = await ask()
    assert answer.stop_details is not None
    assert (answer.stop_details.category, answer.stop_details.explanation) == ("cyber", "No.")
    assert answer.usage.output_tokens == 0
    assert (await stream())[-2].delta.stop_details.category == "cyber"


async def test_citations_follow_their_text(simulator: Simulator, stream: Stream, ask: Ask) -> None:
    citation = {
        "type": "char_location", "cited_text": "x", "document_index": 0, "document_title": None,
        "start_char_index": 0, "end_char_index": 1, "file_id": None,
    }  # fmt: skip
    simulator.script(Reply(content=({"type": "text", "text": "So", "citations": [citation]},)))
    deltas = [event.delta.type for event in await stream() if event.type == "content_block_delta"]
    assert deltas == ["text_delta", "citations_delta"]


async def test_events_that_nobody_knows_can_be_sent(simulator: Simulator, stream: Stream) -> None:
    simulator.script(Reply(extra_events=({"type": "weather_report"},)), Events(events=({"type": "novelty"},)))
    assert [event.type for event in await stream()][:3] == [
        "message_start",
        "content_block_start",
        "weather_report",
    ]
    assert [event.type for event in await stream()] == ["novelty"]


async def test_usage_can_be_dictated(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Reply(usage={"cache_read_input_tokens": 5000}))
    usage = (await ask()).usage
    assert (usage.cache_read_input_tokens, usage.input_tokens) == (5000, 2)


async def test_a_script_is_used_in_order_and_then_the_default(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Reply(text="one"), Reply(text="two"))
    assert [text_of(await ask()) for _ in range(2)] == ["one", "two"]
    assert simulator.unused == ()
    assert text_of(await ask()) == 'You said: "Hello". That was message 1.'


async def test_an_outcome_can_wait_for_its_model(simulator: Simulator, ask: Ask) -> None:
    simulator.script(Reply(text="title", for_model="claude-haiku-5-5"), Reply(text="answer"))
    assert text_of(await ask()) == "answer"
    assert len(simulator.unused) == 1
    assert text_of(await ask(model="claude-haiku-5-5")) == "title"


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "a", "content": ()},
        {"deltas": 0},
        {"delta_chars": 0},
        {"text": "a", "deltas": 2, "delta_chars": 2},
    ],
)
def test_a_script_that_makes_no_sense_is_refused_where_it_is_written(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Reply(**fields)
