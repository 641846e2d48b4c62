"""Claude as a test wants it: a simulator, a script, a clock, and chats that speak to them."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from antiphon.chat import AsyncChat, Chat
from antiphon.simulator import (
    AnyFault,
    Fail,
    HangUp,
    Outcome,
    RecordedRequest,
    Reply,
    Simulator,
    refusal,
    running,
    tool_call,
)
from antiphon.testing.clock import ManualClock

API_KEY = "key-of-a-test"


class ScriptedClaude:
    """Does what it is told, one thing per request and in order; after that it repeats what it hears.

    What it is told can be chained: `claude.fails(529).answers("Here I am.")`. Each takes further facts of the
    simulator's `Reply` or `Fail` by name: `for_model`, `times`, `delay`, `pace`, `usage` …
    """

    def __init__(self, simulator: Simulator, clock: ManualClock, chats: ExitStack) -> None:
        self.simulator = simulator
        """All that it can do beyond this: `release`, `wait_until`, `bill`, `script`."""
        self.clock = clock
        """What time it is for the chats, and for Claude's cache and limits."""
        self._chats = chats

    @property
    def url(self) -> str:
        """What a client calls its base URL; any key is good."""
        return self.simulator.url

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The requests so far, the oldest first; the `body` is what Claude was sent."""
        return self.simulator.requests

    @property
    def unused(self) -> tuple[Outcome, ...]:
        """What it was told and nobody asked for."""
        return self.simulator.unused

    def answers(self, text: str, **how: Any) -> Self:
        """It says this; with `thinking="…"` it thinks before."""
        return self.plays(Reply(text=text, **how))

    def uses_tool(self, name: str, tool_input: dict[str, Any] | None = None, **how: Any) -> Self:
        """It asks for a tool: `claude.uses_tool("weather", {"city": "Rome"})`."""
        return self.plays(tool_call(name, tool_input or {}, **how))

    def refuses(self, explanation: str | None = None, *, after: str = "") -> Self:
        """It declines to answer, at once or after it has said something."""
        return self.plays(refusal(after, explanation=explanation))

    def fails(self, status: int = 529, **how: Any) -> Self:
        """The API answers with an error instead: `claude.fails(429, retry_after=7)`."""
        return self.plays(Fail(status=status, **how))

    def breaks(self, fault: AnyFault | None = None, **how: Any) -> Self:
        """An answer begins and breaks off: in the middle, unless the fault says where."""
        said = how if "content" in how else {"text": "one two three four", **how}
        return self.plays(Reply(fault=HangUp(at="mid_text") if fault is None else fault, **said))

    def plays(self, *outcomes: Outcome) -> Self:
        """Anything that the simulator can be told."""
        self.simulator.script(*outcomes)
        return self

    def chat(self, **settings: Any) -> Chat:
        """A chat with it; takes what `Chat` takes. It is closed when the test ends."""
        return self._chats.enter_context(Chat(**self._bound(settings)))

    def async_chat(self, **settings: Any) -> AsyncChat:
        """The same for a test with an event loop: `async with claude.async_chat() as chat`."""
        return AsyncChat(**self._bound(settings))

    def _bound(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": self.url, "api_key": API_KEY, "clock": self.clock, **settings}


@contextmanager
def scripted_claude(clock: ManualClock | None = None) -> Generator[ScriptedClaude]:
    """One that runs until the end of the block, in a thread and on a port of its own."""
    clock = ManualClock() if clock is None else clock
    with running(now=clock.now) as simulator, ExitStack() as chats:
        yield ScriptedClaude(simulator, clock, chats)
