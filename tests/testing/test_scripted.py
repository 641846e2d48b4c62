"""Claude as a test of somebody's own wants it."""

import datetime as dt
import subprocess
import sys

import pytest

import antiphon.testing
from antiphon import (
    AnswerInterrupted,
    AsyncChat,
    Chat,
    UpstreamAuth,
    tool,
)
from antiphon.simulator import Reset
from antiphon.testing import ManualClock, ScriptedClaude, scripted_claude

pytest_plugins = ["antiphon.testing.plugin"]


def test_the_public_names_are_there_and_sorted() -> None:
    assert antiphon.testing.__all__ == ["ManualClock", "ScriptedClaude", "scripted_claude"]
    assert all(getattr(antiphon.testing, name).__name__ == name for name in antiphon.testing.__all__)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        antiphon.testing.Nobody  # noqa: B018


def test_it_answers_what_it_is_told_and_then_repeats_what_it_hears(claude: ScriptedClaude) -> None:
    claude.answers("Hi.").answers("I am well.", thinking="How am I?")
    chat = claude.chat()
    assert [chat.send(text).text for text in ("Hello", "How are you?")] == ["Hi.", "I am well."]
    assert chat.send("Again").text.startswith('You said: "Again"')
    assert claude.unused == ()


def test_it_uses_a_tool_and_sees_its_result(claude: ScriptedClaude) -> None:
    @tool(effect="pure")
    def weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: where.
        """
        return f"Rain in {city}."

    claude.uses_tool("weather", {"city": "Rome"}).answers("Take an umbrella.")
    assert claude.chat(tools=[weather]).send("What is it like in Rome?").text == "Take an umbrella."
    result = claude.requests[-1].body["messages"][-1]["content"][0]
    assert (result["type"], "Rain in Rome." in str(result["content"])) == ("tool_result", True)


def test_it_refuses_fails_and_breaks_off(claude: ScriptedClaude) -> None:
    chat = claude.chat()
    claude.refuses("Not that.")
    assert chat.send("Do it").text == "Not that."
    claude.fails(401)
    with pytest.raises(UpstreamAuth):
        chat.send("Hello")
    claude.answers("Better now.")
    assert chat.send("Hello").text == "Better now."


def test_it_breaks_where_it_is_told(claude: ScriptedClaude) -> None:
    claude.breaks(Reset(at="mid_text"), times=9)
    seen: list[str] = []
    with pytest.raises(AnswerInterrupted):
        seen.extend(claude.chat().stream("Hello"))
    claude.simulator.forget()


def test_a_program_finds_it_by_its_environment(claude: ScriptedClaude) -> None:
    claude.answers("Found.")
    with Chat() as chat:
        assert chat.send("Hello").text == "Found."


async def test_it_works_within_an_event_loop() -> None:
    with scripted_claude() as claude:
        claude.answers("Hi.")
        async with claude.async_chat() as chat:
            assert isinstance(chat, AsyncChat)
            assert (await chat.send("Hello")).text == "Hi."


def test_its_clock_tells_claude_the_date_and_lets_the_cache_lapse() -> None:
    with scripted_claude() as claude:
        chat = claude.chat(system="It was the best of times. " * 500)
        read = []
        for seconds in (0, 60, 4000):
            claude.clock.advance(seconds)
            read.append(chat.send("Hello").usage.cache_read_tokens > 0)
        assert read == [False, True, False]


def test_a_clock_stands_still_and_never_goes_back() -> None:
    clock = ManualClock()
    assert dt.datetime.fromtimestamp(clock.now(), dt.UTC).isoformat() == "2027-01-15T08:00:00+00:00"
    clock.advance(3600)
    assert clock.now() == ManualClock().now() + 3600
    with pytest.raises(ValueError, match="put forward"):
        clock.advance(-1)


def test_pytest_starts_without_what_the_fixture_needs() -> None:
    program = "import sys, antiphon.testing.plugin; print({'anthropic', 'httptools'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert ran.stdout == "set()\n"
