"""`Chat` and `AsyncChat`, as a program uses them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from antiphon import (
    AnswerInterrupted,
    AsyncChat,
    Chat,
    InvalidRequest,
    MissingCredentials,
    UnknownModel,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
)
from antiphon.simulator.presets import refusal
from antiphon.simulator.script import Fail, HangUp, Reply
from antiphon.simulator.server import Simulator
from tests.marks import unmarked


def test_a_conversation_in_four_lines(simulator: Simulator) -> None:
    simulator.script(Reply(text="Looks fine."))
    with Chat(system="You review Python code.") as chat:
        reply = chat.send("Review: def add(a, b): return a+b")
        assert str(reply) == reply.text == "Looks fine."
        assert (reply.stop_reason, reply.model) == ("end_turn", "claude-sonnet-5-5")
        assert reply.blocks == ({"type": "text", "text": "Looks fine."},)
        assert "".join(chat.stream("Now add type hints")).startswith('You said: "Now add type hints"')
        first, second = (request.body for request in simulator.requests)
        assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
        assert unmarked(second["messages"][:1]) == unmarked(first["messages"])
        assert "temperature" not in second
        assert [message["role"] for message in chat.history()] == ["user", "assistant"] * 2


def test_stats_add_up_to_the_nanodollar(simulator: Simulator) -> None:
    usage = {"input_tokens": 100, "cache_read_input_tokens": 300, "output_tokens": 10}
    simulator.script(Reply(text="a", usage=usage), Reply(text="b", usage=usage))
    with Chat(session_id="stats") as chat:
        one = chat.send("1").cost_usd
        # Sonnet 5.5: input $2, output $10, cache reads $0.10 per million tokens.
        assert one == Decimal("0.00033")
        chat.send("2")
        stats = chat.stats()
    assert (stats.session_id, stats.turns) == ("stats", 2)
    assert stats.cost_usd == 2 * one
    assert (stats.usage.input_tokens, stats.usage.cache_read_tokens, stats.usage.output_tokens) == (
        200,
        600,
        20,
    )
    assert stats.cache_hit_ratio == 0.75
    assert stats.saved_usd == Decimal("0.00114")


def test_reset_starts_over(simulator: Simulator) -> None:
    with Chat(session_id="mine") as chat:
        chat.send("one")
        chat.reset()
        assert chat.history() == []
        assert chat.stats().turns == 0
        chat.send("two")
    assert len(simulator.requests[-1].body["messages"]) == 1


def test_a_named_conversation_survives_in_a_database(simulator: Simulator, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'chats.db'}"
    with Chat(store=store, session_id="zoe") as chat:
        chat.send("My name is Zoe.")
    with Chat(store=store, session_id="zoe") as chat:
        assert len(chat.history()) == 2
        chat.send("What is my name?")
    assert len(simulator.requests[-1].body["messages"]) == 3


def test_a_new_system_prompt_holds_for_a_named_conversation(simulator: Simulator, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'chats.db'}"
    with Chat(store=store, session_id="zoe", system="One.") as chat:
        chat.send("a")
    with Chat(store=store, session_id="zoe") as chat:
        chat.send("b")
    with Chat(store=store, session_id="zoe", system="Two.", model="claude-haiku-5-5") as chat:
        chat.send("c")
    bodies = [request.body for request in simulator.requests]
    assert [body["system"][0]["text"] for body in bodies] == ["One.", "One.", "Two."]
    assert [body["model"] for body in bodies] == [*["claude-sonnet-5-5"] * 2, "claude-haiku-5-5"]


def test_only_the_newest_turns_are_sent_if_asked(simulator: Simulator) -> None:
    with Chat(max_history_turns=2) as chat:
        for number in range(4):
            chat.send(str(number))
        assert len(chat.history()) == 8
    sent = simulator.requests[-1].body["messages"]
    assert [message["content"][0]["text"] for message in sent if message["role"] == "user"] == ["2", "3"]


def test_a_failed_message_can_simply_be_sent_again(simulator: Simulator) -> None:
    failures = (Fail(status=401), Fail(status=529, retry_after=7), Fail(status=500))
    simulator.script(*failures, Reply(text="Hello."))
    with Chat() as chat:
        with pytest.raises(UpstreamAuth) as refused:
            chat.send("hello")
        with pytest.raises(UpstreamBusy) as busy:
            chat.send("hello")
        assert busy.value.facts["retry_after"] == 7
        with pytest.raises(UpstreamFailed):
            chat.send("hello")
        assert chat.history() == []
        assert chat.send("hello").text == "Hello."
        assert len(chat.history()) == 2
    assert "key-of-a-test" not in str(refused.value)
    assert len(simulator.requests[-1].body["messages"]) == 1


def test_a_cut_stream_keeps_what_was_seen(simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four", pace=0.1, fault=HangUp(after=3)))
    seen: list[str] = []
    with Chat() as chat:
        with pytest.raises(AnswerInterrupted) as cut:
            seen.extend(chat.stream("count"))
        assert "".join(seen) == cut.value.partial == "one two three"
        assert chat.history()[-1]["content"] == [{"type": "text", "text": "one two three"}]


def test_a_refusal_is_a_reply_that_says_so(simulator: Simulator) -> None:
    simulator.script(refusal(explanation="No."), refusal(explanation="No."))
    with Chat() as chat:
        reply = chat.send("something")
        assert (reply.text, reply.stop_reason, reply.blocks) == ("No.", "refusal", ())
        assert "".join(chat.stream("something")) == "No."
        assert chat.history() == []


def test_leaving_the_loop_stops_the_answer(simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four five six", pace=0.2))
    with Chat() as chat:
        for text in chat.stream("count"):
            assert "one" in text
            break
        simulator.wait_until(lambda seen: seen[-1].client_left)
        assert chat.send("go on").stop_reason == "end_turn"
        assert chat.history()[1]["content"][0]["text"].startswith("one")


def test_an_interrupt_stops_the_answer(simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four five six", pace=0.2))
    with Chat() as chat:
        pieces = chat.stream("count")
        next(pieces)
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            list(pieces)
        assert chat.send("go on").stop_reason == "end_turn"


def test_the_garbage_collector_may_find_a_chat_in_its_own_thread(simulator: Simulator) -> None:
    chat = Chat()
    chat.send("Hello")
    loop, thread = chat._loop._loop, chat._loop._thread
    assert loop is not None
    assert thread is not None
    held = [chat]
    del chat
    loop.call_soon_threadsafe(held.clear)  # as a collection in that thread would
    thread.join(5)
    assert not thread.is_alive()
    assert loop.is_closed()


def test_the_garbage_collector_may_find_a_stream_in_the_thread_of_its_chat(simulator: Simulator) -> None:
    simulator.script(Reply(text="one two three four five six", pace=0.2))
    with Chat() as chat:
        held = [chat.stream("count")]
        next(iter(held[0]))
        loop = chat._loop._loop
        assert loop is not None
        loop.call_soon_threadsafe(held.clear)
        simulator.wait_until(lambda seen: seen[-1].client_left)
        assert chat.send("go on").stop_reason == "end_turn"


async def whole_stream(chat: AsyncChat, text: str) -> str:
    return "".join([piece async for piece in chat.stream(text)])


@pytest.mark.parametrize("asks", [AsyncChat.send, whole_stream], ids=["send", "stream"])
@pytest.mark.parametrize("kept_in", ["memory", "sqlite"])
async def test_who_leaves_while_it_is_sent_stops_the_answer(
    simulator: Simulator,
    tmp_path: Path,
    asks: Callable[[AsyncChat, str], Coroutine[Any, Any, object]],
    kept_in: str,
) -> None:
    store = "memory://" if kept_in == "memory" else f"sqlite:///{tmp_path / 'chats.db'}"
    for turns_of_the_loop in range(25):
        simulator.script(Reply(text="Nobody waits for this.", delay=0.5))
        async with AsyncChat(store=store) as chat:
            await chat.stats()  # it is open
            asking = asyncio.create_task(asks(chat, "Hello"))
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            simulator.forget()
            await chat.send("And now?")  # what still ran would be answered first
            said = [message["role"] for message in await chat.history()]
            assert said.count("assistant") == 1, turns_of_the_loop


def test_without_credentials_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingCredentials, match="ANTHROPIC_API_KEY"):
        Chat()
    with pytest.raises(MissingCredentials):
        AsyncChat(model="claude-haiku-5-5")


def test_bad_input_is_refused_and_changes_nothing(simulator: Simulator) -> None:
    with Chat() as chat:
        with pytest.raises(InvalidRequest):
            chat.send("   ")
        assert chat.history() == []
    with pytest.raises(UnknownModel, match=r"antiphon\.toml"), Chat(model="claude-nonesuch") as chat:
        chat.send("hello")
    with pytest.raises(InvalidRequest), Chat(session_id="no spaces") as chat:
        chat.send("hello")
    assert not simulator.requests


async def test_async_chats_run_side_by_side(simulator: Simulator) -> None:
    simulator.script(*(Reply(text="slow words here", pace=0.05) for _ in range(5)))

    async def one(number: int) -> str:
        async with AsyncChat() as chat:
            return "".join([text async for text in chat.stream(f"hello {number}")])

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(one(number) for number in range(5))) == ["slow words here"] * 5


def test_a_program_that_forgets_to_close_still_ends(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_CONFIG_DIR")
    program = "from antiphon import Chat; print(Chat().send('hello').text)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == 'You said: "hello". That was message 1.\n'
