"""What has come of an answer is heard, also if the connection ends while nobody is reading."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from antiphon.errors import UpstreamFailed
from antiphon.model.client import ClaudeUpstream
from antiphon.model.wire import BlockDelta, MessageStop, StreamEvent
from tests.model.canned import BEGIN, END, FINISH, PLAN, chunk, head, text_delta
from tests.model.conftest import KEY

STALL_S = 0.5
LONGER_S = 0.7


@dataclass
class Line:
    """A connection with Claude at its other end: says what a test tells it to, when it tells it to."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'"stream":true}')
        self.writers.append(writer)
        self.asked.set()

    async def says(self, *pieces: bytes, then_closes: bool = False) -> None:
        """All at once. Returns when a client that looks for it has seen it."""
        async with asyncio.timeout(5):
            await self.asked.wait()
            writer = self.writers[0]
            writer.write(b"".join(pieces))
            await writer.drain()
            if then_closes:
                writer.close()
                await writer.wait_closed()
        for _turn_of_the_loop in range(10):
            await asyncio.sleep(0)


@dataclass
class Answer:
    """An answer that is read when a test asks for more."""

    stream: AsyncGenerator[Sequence[StreamEvent], None]
    heard: list[StreamEvent] = field(default_factory=list)

    async def more(self) -> None:
        async with asyncio.timeout(5):
            self.heard += await anext(self.stream)

    async def rest(self) -> None:
        async with asyncio.timeout(5):
            async for events in self.stream:
                self.heard += events

    @property
    def text(self) -> str:
        return "".join(event.delta["text"] for event in self.heard if isinstance(event, BlockDelta))


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield line
    for writer in line.writers:
        writer.close()
    server.close()


@pytest.fixture
async def answer(line: Line) -> AsyncIterator[Answer]:
    """One whose beginning has been read."""
    claude = ClaudeUpstream(api_key=KEY, base_url=line.url, stall_s=STALL_S)
    answer = Answer(claude.stream(PLAN))
    await asyncio.gather(line.says(head(), chunk(BEGIN)), answer.more())
    yield answer
    await answer.stream.aclose()
    await claude.close()


@pytest.mark.parametrize("words", range(1, 10))
async def test_an_answer_whose_end_came_with_the_end_of_the_connection_is_whole(
    line: Line, answer: Answer, words: int
) -> None:
    """However many HTTP chunks had come before."""
    await line.says(*[chunk(text_delta("a"))] * words)
    await answer.more()
    await line.says(*[chunk(text_delta("b"))] * 5, chunk(FINISH), END, then_closes=True)
    await answer.rest()
    assert answer.text == "a" * words + "b" * 5
    assert isinstance(answer.heard[-1], MessageStop)


async def test_an_answer_is_whole_with_its_last_event_though_the_body_never_ends(
    line: Line, answer: Answer
) -> None:
    await line.says(chunk(text_delta("Hello")), chunk(FINISH), then_closes=True)
    await answer.rest()
    assert answer.text == "Hello"
    assert isinstance(answer.heard[-1], MessageStop)


async def test_what_came_before_a_cut_is_heard(line: Line, answer: Answer) -> None:
    await line.says(chunk(text_delta("Hel")), chunk(text_delta("lo"))[:-9], then_closes=True)
    with pytest.raises(UpstreamFailed, match="broke before the answer was complete"):
        await answer.rest()
    assert answer.text == "Hel"


async def test_silence_is_no_stall_while_nobody_listens(line: Line, answer: Answer) -> None:
    await asyncio.sleep(LONGER_S)  # silence is what is tested
    await line.says(chunk(text_delta("Hello")), chunk(FINISH), END)
    await answer.rest()
    assert answer.text == "Hello"


async def test_silence_is_a_stall_for_whoever_listens(line: Line, answer: Answer) -> None:
    await line.says(chunk(text_delta("Hel")))
    with pytest.raises(UpstreamFailed, match="sent nothing for too long"):
        await answer.rest()
    assert answer.text == "Hel"


class Held:
    """A pace that lets nothing go until it is told to."""

    def __init__(self) -> None:
        self.goes = asyncio.Event()

    async def may_go(self) -> None:
        await self.goes.wait()

    def read_on(self, resume: Callable[[], None]) -> None:
        resume()


@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a proxy"])
async def test_a_request_is_sent_when_its_pace_lets_it_go(
    line: Line, monkeypatch: pytest.MonkeyPatch, *, proxied: bool
) -> None:
    if proxied:
        monkeypatch.setenv("HTTP_PROXY", line.url)
    upstream = ClaudeUpstream(api_key=KEY, base_url="http://claude.example" if proxied else line.url)
    pace = Held()
    answer = Answer(upstream.stream(PLAN, pace))
    reading = asyncio.create_task(answer.rest())
    await asyncio.sleep(0.1)
    assert not line.writers
    pace.goes.set()
    await line.says(head(), chunk(BEGIN), chunk(text_delta("all")), chunk(FINISH), END, then_closes=True)
    await reading
    assert answer.text == "all"
    await upstream.close()
