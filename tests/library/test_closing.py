"""Chats that are closed, or left, under way: nobody waits for ever, nothing goes on unseen."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from antiphon import AsyncChat, Chat, StoreUnavailable
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator

SLOW = Reply(text="one two three four five six seven eight nine ten", pace=0.3)
WITHIN_S = 10.0


async def whole_stream(chat: AsyncChat, text: str) -> str:
    return "".join([piece async for piece in chat.stream(text)])


def threads_of_chats() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "antiphon-chat"]


async def asked(simulator: Simulator) -> None:
    await asyncio.to_thread(simulator.wait_until, lambda seen: len(seen) == 1)


async def left(simulator: Simulator) -> None:
    await asyncio.to_thread(simulator.wait_until, lambda seen: seen[-1].client_left)


@pytest.mark.parametrize("asks", [AsyncChat.send, whole_stream], ids=["send", "stream"])
async def test_who_is_told_to_leave_again_and_again_stops_the_answer(
    simulator: Simulator, tmp_path: Path, asks: Callable[[AsyncChat, str], Coroutine[Any, Any, object]]
) -> None:
    """As a web framework's stream is whose reader has left."""
    simulator.script(SLOW)
    async with AsyncChat(store=f"sqlite:///{tmp_path / 'chats.db'}") as chat:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(asks, chat, "count")
                await asked(simulator)
                scope.cancel()
        await left(simulator)
        assert (await chat.send("go on")).stop_reason == "end_turn"


@pytest.mark.parametrize("asks", [AsyncChat.send, whole_stream], ids=["send", "stream"])
async def test_who_leaves_twice_while_it_is_sent_stops_the_answer(
    simulator: Simulator, tmp_path: Path, asks: Callable[[AsyncChat, str], Coroutine[Any, Any, object]]
) -> None:
    async with AsyncChat(store=f"sqlite:///{tmp_path / 'chats.db'}") as chat:
        await chat.stats()  # it is open
        for turns_of_the_loop in range(1, 9):
            simulator.forget()
            simulator.script(*[Reply(text="Whom for?", delay=0.2)] * 2)
            asking = asyncio.create_task(asks(chat, "Hello"))
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            for _ in range(2):
                asking.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await asking
            await chat.send("And now?")  # what still ran would be answered first
            said = [message["role"] for message in await chat.history()]
            assert said.count("assistant") == turns_of_the_loop


async def test_who_is_told_so_while_the_chat_is_closed_has_it_closed(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.script(SLOW)
    others = set(threading.enumerate())

    async def one() -> None:
        async with AsyncChat(store=f"sqlite:///{tmp_path / 'chats.db'}") as chat:
            await chat.send("count")

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await asked(simulator)
            scope.cancel()
    await left(simulator)
    for thread in set(threading.enumerate()) - others:
        if thread.name == "antiphon-write":  # of the store
            await asyncio.to_thread(thread.join, WITHIN_S)
            assert not thread.is_alive()


@pytest.mark.parametrize("asks", [AsyncChat.send, whole_stream], ids=["send", "stream"])
async def test_who_waits_for_an_answer_is_told_that_the_chat_was_closed(
    simulator: Simulator, asks: Callable[[AsyncChat, str], Coroutine[Any, Any, object]]
) -> None:
    simulator.script(SLOW)
    chat = AsyncChat()
    asking = asyncio.create_task(asks(chat, "count"))
    await asked(simulator)
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(chat.close(), chat.close())
        with pytest.raises(StoreUnavailable, match="was closed here"):
            await asking


def test_a_thread_that_waits_for_an_answer_is_told_that_the_chat_was_closed(simulator: Simulator) -> None:
    simulator.script(SLOW)
    with Chat() as chat, ThreadPoolExecutor(1) as threads:
        asking = threads.submit(chat.send, "count")
        simulator.wait_until(lambda seen: len(seen) == 1)
        chat.close()
        with pytest.raises(StoreUnavailable, match="was closed here"):
            asking.result(WITHIN_S)
    assert threads_of_chats() == []


@pytest.mark.parametrize("goes_on", [True, False], ids=["read on", "let go"])
def test_a_stream_that_outlives_its_chat_has_ended(simulator: Simulator, goes_on: bool) -> None:
    simulator.script(SLOW)
    chat = Chat()
    pieces = chat.stream("count")
    assert "one" in next(pieces)
    chat.close()
    if goes_on:
        with pytest.raises(StoreUnavailable, match="was closed here"):
            next(pieces)
    del pieces
    assert threads_of_chats() == []


def test_threads_that_send_while_the_chat_is_closed_all_get_an_end(
    simulator: Simulator, tmp_path: Path
) -> None:
    def ends(chat: Chat) -> bool:
        try:
            return bool(chat.stats())
        except StoreUnavailable:
            return True

    with ThreadPoolExecutor(4) as threads:
        for _ in range(10):
            with Chat(store=f"sqlite:///{tmp_path / 'chats.db'}", session_id="mine") as chat:
                calls = [threads.submit(ends, chat) for _ in range(12)]
                chat.close()
                assert all(call.result(WITHIN_S) for call in calls)
    assert threads_of_chats() == []


def test_a_chat_that_was_closed_is_opened_again_by_the_next_message(
    simulator: Simulator, tmp_path: Path
) -> None:
    with Chat(store=f"sqlite:///{tmp_path / 'chats.db'}") as chat:
        chat.send("one")
        chat.close()
        chat.send("two")
        assert len(chat.history()) == 4
    assert threads_of_chats() == []
