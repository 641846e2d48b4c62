"""A request that was put together ahead is sent like any other."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import anthropic
import pytest

from antiphon.errors import UpstreamBusy
from antiphon.model.client import ClaudeUpstream
from antiphon.model.drafts import Drafts
from antiphon.model.transport import handed_over
from tests.model.canned import BEGIN, END, FINISH, PLAN, chunk, head, refusal
from tests.model.conftest import KEY, Listener, sign_in
from tests.model.player import Player

ASKER: ContextVar[str] = ContextVar("asker", default="nobody")


def drafts_of(claude: ClaudeUpstream) -> Drafts:
    return claude._connection()[1]


async def test_one_is_ready_after_an_answer_and_differs_from_no_other_on_the_wire(
    player: Player, claude: ClaudeUpstream
) -> None:
    player.plays(head(), chunk(BEGIN + FINISH), END)
    assert not drafts_of(claude).ready
    await Listener(claude).hear()
    assert drafts_of(claude).ready
    other = replace(PLAN, model="another", options={**PLAN.options, "user_profile_id": "profile-1"})
    await Listener(claude).hear(other)
    first, second = player.requests
    assert second.line == first.line
    assert second.headers.pop("anthropic-user-profile-id") == "profile-1"
    length = int(second.headers.pop("content-length"))
    assert length - int(first.headers.pop("content-length")) == len("another") - len(PLAN.model)
    assert second.headers == first.headers
    assert second.body == {**first.body, "model": "another"}
    assert player.connections == 1


async def test_it_goes_when_it_may_and_where_it_was_asked_for(player: Player, claude: ClaudeUpstream) -> None:
    askers: list[str] = []
    goes = asyncio.Event()

    class Held:
        async def may_go(self) -> None:
            askers.append(ASKER.get())
            await goes.wait()

        def read_on(self, resume: Callable[[], None]) -> None:
            resume()

    player.plays(head(), chunk(BEGIN + FINISH), END)
    await Listener(claude).hear()
    ASKER.set("somebody")

    async def ask() -> None:
        async for _ in claude.stream(PLAN, Held()):
            pass

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.05)  # that nothing is sent is what is tested
    assert len(player.requests) == 1
    goes.set()
    await asking
    assert len(player.requests) == 2
    assert askers == ["somebody"]


async def test_none_is_ready_where_what_signs_it_changes(no_profile: Path, player: Player) -> None:
    sign_in(no_profile)
    player.plays(head(), chunk(BEGIN + FINISH), END)
    claude = ClaudeUpstream(base_url=player.url)
    await Listener(claude).hear()
    assert not drafts_of(claude).ready
    await claude.close()


async def test_a_refusal_makes_none_ready_and_costs_none(player: Player, claude: ClaudeUpstream) -> None:
    player.plays(*refusal(529, "overloaded_error"))
    player.plays(head(), chunk(BEGIN + FINISH), END)
    with pytest.raises(UpstreamBusy):
        await Listener(claude).hear()
    assert not drafts_of(claude).ready
    assert await Listener(claude).hear()


async def test_one_that_could_not_be_signed_is_not_used() -> None:
    client = anthropic.AsyncAnthropic(api_key=KEY)
    drafts = Drafts(client)
    client.api_key = None
    drafts.prepare()
    for _ in range(20):  # turns of the event loop: the SDK needs a few to find out
        await asyncio.sleep(0)
    assert not drafts.ready
    client.api_key = KEY
    draft = drafts.take()
    assert draft.waits
    await draft.drop()


async def test_nothing_of_it_is_left_when_all_is_closed(player: Player, claude: ClaudeUpstream) -> None:
    before = asyncio.all_tasks()
    player.plays(head(), chunk(BEGIN + FINISH), END)
    await Listener(claude).hear()
    drafts = drafts_of(claude)
    await claude.close()
    assert not drafts.ready
    left = {task for task in asyncio.all_tasks() - before if "serve" not in repr(task)}
    assert left == set()


async def test_a_response_that_comes_as_its_asker_leaves_is_closed() -> None:
    comes: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    closed: list[str] = []

    async def answer() -> str:
        return await comes

    async def close(response: str) -> None:
        closed.append(response)

    answering = asyncio.create_task(answer())
    asker = asyncio.create_task(handed_over(answering, close))
    await asyncio.sleep(0)
    comes.set_result("response")
    await asyncio.sleep(0)
    assert answering.done()
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert closed == ["response"]
