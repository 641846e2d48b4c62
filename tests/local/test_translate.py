"""A plan's way to a local server and back, with a server that is played here."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import UpstreamFailed, UpstreamRejected
from antiphon.model.local.fitting import HISTORY_TOKENS
from antiphon.model.local.reconnect import Reconnecting
from antiphon.model.local.translate import Translating
from antiphon.model.upstream import AT_ONCE, Pace
from antiphon.model.wire import (
    BlockDelta,
    Ending,
    MessageDelta,
    MessageHead,
    MessageStart,
    MessageStop,
    StreamEvent,
)

START = MessageStart(message=MessageHead(model="x", usage={"input_tokens": 2}))
HELLO = BlockDelta(index=0, delta={"type": "text_delta", "text": "Hello"})
END = MessageDelta(delta=Ending(stop_reason="end_turn"), usage={"output_tokens": 1})
LOST = UpstreamFailed("lost", sent=True, began=False)


class PlayedServer:
    """An `Upstream` that answers each request by the next script, and counts a token per 4 bytes."""

    def __init__(self, *scripts: Sequence[StreamEvent | Exception]) -> None:
        self.scripts = list(scripts)
        self.asked: list[RequestPlan] = []
        self.counted = 0

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        await pace.may_go()
        self.asked.append(plan)
        for event in self.scripts.pop(0):
            if isinstance(event, Exception):
                raise event
            yield [event]

    async def count_tokens(self, plan: RequestPlan) -> int:
        self.counted += 1
        return sum(len(message["content"][0]["text"]) for message in plan.messages) // 4

    async def close(self) -> None:
        self.scripts.clear()


def plan(*texts: str) -> RequestPlan:
    roles = ("user", "assistant")
    messages = tuple(
        {"role": roles[index % 2], "content": [text_block(text)]} for index, text in enumerate(texts)
    )
    return RequestPlan(model="local", max_tokens=50, messages=messages)


async def events(server: PlayedServer, asked: RequestPlan) -> list[StreamEvent]:
    upstream = Translating(Reconnecting(server), "Played")
    async with aclosing(upstream.stream(asked)) as batches:
        return [event async for batch in batches for event in batch]


async def test_an_answer_without_a_start_is_given_one() -> None:
    heard = await events(PlayedServer([END, MessageStop()]), plan("Count this"))
    assert isinstance(heard[0], MessageStart)
    assert heard[0].message.model == "local"
    assert heard[0].message.usage["input_tokens"] == 2
    assert heard[1:] == [END, MessageStop()]


async def test_a_request_lost_on_a_closed_connection_is_sent_once_more() -> None:
    server = PlayedServer([LOST], [START, HELLO, END, MessageStop()])
    assert (await events(server, plan("Hi")))[1:] == [HELLO, END, MessageStop()]
    assert server.asked[0] == server.asked[1]


async def test_a_request_is_not_sent_a_third_time() -> None:
    server = PlayedServer([LOST], [LOST], [START, MessageStop()])
    with pytest.raises(UpstreamFailed, match="Played stopped"):
        await events(server, plan("Hi"))
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamFailed("cut", sent=True, began=True),
        UpstreamFailed("unreachable", sent=False, began=False),
        UpstreamFailed("busy", sent=True, began=False, status=503),
    ],
)
async def test_no_other_failure_is_sent_again(failure: UpstreamFailed) -> None:
    server = PlayedServer([failure], [START, MessageStop()])
    with pytest.raises(UpstreamFailed, match="Played stopped"):
        await events(server, plan("Hi"))
    assert len(server.asked) == 1


async def test_a_history_is_counted_where_it_may_be_too_long_and_cut_where_it_is() -> None:
    server = PlayedServer([START, END, MessageStop()])
    await events(server, plan(*(["x" * 1000] * 40), "And now?"))
    sent = server.asked[0].messages
    assert sent[-1]["content"] == [text_block("And now?")]
    assert sent[0]["role"] == "user"
    assert HISTORY_TOKENS / 3 < await server.count_tokens(server.asked[0]) <= HISTORY_TOKENS


async def test_a_short_history_is_not_counted() -> None:
    server = PlayedServer([START, END, MessageStop()])
    await events(server, plan("Hi", "Hello", "How are you?"))
    assert server.counted == 0


@pytest.mark.parametrize("size", [4 * HISTORY_TOKENS + 4, 100 * HISTORY_TOKENS])
async def test_a_message_too_long_alone_is_refused_unsent(size: int) -> None:
    server = PlayedServer()
    with pytest.raises(UpstreamRejected, match="longer than the 3,000 tokens"):
        await events(server, plan("Hi", "Hello", "x" * size))
    assert server.asked == []
