"""Whoever stops listening closes the connection at once; whoever cannot get through is told so."""

import asyncio
import socket
from contextlib import aclosing

import pytest

from antiphon.domain.plans import RequestPlan
from antiphon.errors import UpstreamBusy, UpstreamFailed
from antiphon.model.client import ClaudeUpstream
from tests.model.canned import BEGIN, END, FINISH, PLAN, chunk, head, refusal, text_delta
from tests.model.conftest import KEY, Listener
from tests.model.player import Player, Step

SAID = chunk(BEGIN + text_delta("Hel"))


async def test_cancelling_within_an_answer_closes_the_connection(player: Player, listener: Listener) -> None:
    player.plays(head(), SAID, "hang")
    task = asyncio.create_task(listener.hear())
    async with asyncio.timeout(5):
        await listener.first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await player.client_is_gone()


async def test_cancelling_before_an_answer_closes_the_connection(player: Player, listener: Listener) -> None:
    player.plays("hang")
    task = asyncio.create_task(listener.hear())
    async with asyncio.timeout(5):
        await player.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await player.client_is_gone()


async def test_a_deadline_is_a_timeout_and_nothing_else(player: Player, listener: Listener) -> None:
    player.plays(head(), SAID, "hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await listener.hear()
    await player.client_is_gone()


async def test_closing_the_stream_closes_the_connection(player: Player, listener: Listener) -> None:
    player.plays(head(), SAID, "hang")
    async with aclosing(listener.upstream.stream(PLAN)) as stream:
        await anext(stream)
    await player.client_is_gone()


# aiohttp advises against large bodies in one piece; the SDK sends every body in one piece.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_cancelling_while_the_request_is_sent_closes_the_connection(
    player: Player, listener: Listener
) -> None:
    player.plays("read late")
    block = {"type": "text", "text": "x" * 20_000_000}
    plan = RequestPlan(model="m", max_tokens=1, messages=({"role": "user", "content": [block]},))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await listener.hear(plan)
    player.late.set()
    await player.client_is_gone()


async def test_silence_before_an_answer_is_a_stall(player: Player, impatient: Listener) -> None:
    player.plays("hang")
    with pytest.raises(UpstreamFailed, match="sent nothing for too long") as caught:
        await impatient.hear()
    assert caught.value.facts == {"began": False, "sent": True}
    await player.client_is_gone()


async def test_any_byte_is_a_sign_of_life(player: Player, impatient: Listener) -> None:
    """Comment lines keep a request alive for more than twice the silence that would end it."""
    comments: list[Step] = [chunk(b":\n"), "pause"] * 5
    player.plays(head(), *comments, chunk(b"\n" + BEGIN + text_delta("Hi") + FINISH), END)
    await impatient.hear()
    assert impatient.text == "Hi"


async def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        claude = ClaudeUpstream(api_key=KEY, base_url=f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(UpstreamFailed, match="could not be reached") as caught:
            await Listener(claude).hear()
    await claude.close()
    assert caught.value.facts == {"began": False, "sent": False}


async def test_a_host_that_is_not_there_was_sent_nothing() -> None:
    claude = ClaudeUpstream(api_key=KEY, base_url="http://nowhere.invalid")
    with pytest.raises(UpstreamFailed, match="could not be reached") as caught:
        await Listener(claude).hear()
    await claude.close()
    assert caught.value.facts == {"began": False, "sent": False}


@pytest.mark.parametrize("ending", [(b"",), ("reset",), (b"HTTP/1.1 200",), (b"no HTTP at all\r\n\r\n",)])
async def test_a_connection_that_breaks_before_the_headers_may_have_cost_something(
    player: Player, listener: Listener, ending: tuple[bytes]
) -> None:
    player.plays(*ending)
    with pytest.raises(UpstreamFailed) as caught:
        await listener.hear()
    assert caught.value.facts == {"began": False, "sent": True}


async def test_nothing_is_sent_twice(player: Player, listener: Listener) -> None:
    player.plays(*refusal(529, "overloaded_error", retry_after="1"))
    with pytest.raises(UpstreamBusy):
        await listener.hear()
    assert len(player.requests) == 1


def test_each_event_loop_has_its_own_connections() -> None:
    """A library user may call `asyncio.run` more than once with one chat."""

    async def serve_one() -> str:
        player = Player()
        player.plays(head(), chunk(BEGIN + text_delta("Hi") + FINISH), END)
        server = await asyncio.start_server(player.serve, "127.0.0.1", port)
        listener = Listener(claude)
        await listener.hear()
        await claude.close()
        server.close()
        return listener.text

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claude = ClaudeUpstream(api_key=KEY, base_url=f"http://127.0.0.1:{port}")
    assert [asyncio.run(serve_one()), asyncio.run(serve_one())] == ["Hi", "Hi"]
