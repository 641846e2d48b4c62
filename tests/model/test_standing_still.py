"""A process that stood still for longer than a stall reads what came meanwhile, and goes on."""

import asyncio
import socket
import time
from threading import Event, Thread

import pytest

from antiphon.errors import UpstreamFailed
from antiphon.model.client import ClaudeUpstream
from antiphon.model.transport import AGAIN_S
from tests.model.canned import BEGIN, END, FINISH, chunk, head, text_delta
from tests.model.conftest import KEY, Listener

STALL_S = 0.3
STANDS_STILL_S = 0.6

NEVER = Event()

FIRST = head() + chunk(BEGIN + text_delta("Hel"))
MORE = chunk(text_delta("lo"))
REST = chunk(FINISH) + END


def answer(listening: socket.socket, first: bytes, more: bytes, came: Event, goes_on: Event) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(1 << 20)
        connection.sendall(first)
        came.set()
        goes_on.wait()
        connection.sendall(more)
        if more:
            NEVER.wait(STANDS_STILL_S + STALL_S / 3)
            connection.sendall(REST)
        connection.recv(1)


async def hear(first: bytes, more: bytes, stands_still_s: float = STANDS_STILL_S) -> str:
    """What is heard if so much comes at once, more while the event loop stands still, and the rest later."""
    goes_on, came = Event(), Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=answer, args=(listening, first, more, came, goes_on))
        server.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        claude = ClaudeUpstream(api_key=KEY, base_url=address, stall_s=STALL_S)
        listener = Listener(claude)
        hearing = asyncio.create_task(listener.hear())
        await asyncio.to_thread(came.wait)
        await asyncio.sleep(STALL_S / 3)  # until it waits for more
        goes_on.set()
        NEVER.wait(stands_still_s)  # as long as that, nothing else runs in the event loop
        try:
            await hearing
        finally:
            await claude.close()
            await asyncio.to_thread(server.join)
    return listener.text


async def test_in_the_middle_of_an_answer() -> None:
    assert await hear(FIRST, MORE) == "Hello"


async def test_before_an_answer_begins() -> None:
    assert await hear(b"", FIRST + MORE) == "Hello"


@pytest.mark.parametrize("first", [FIRST, b""], ids=["in the middle", "before it begins"])
async def test_silence_is_still_a_stall_at_the_second_look(first: bytes) -> None:
    begun = time.monotonic()
    with pytest.raises(UpstreamFailed, match="sent nothing for too long"):
        await hear(first, b"", stands_still_s=0)
    assert time.monotonic() - begun >= STALL_S + AGAIN_S
