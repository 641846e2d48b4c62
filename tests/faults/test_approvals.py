"""Replicas that die while a tool waits for a person's word, and just after it was given."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from tests.faults.conftest import Told
from tests.faults.replicas import Pair, Replica, running_pair
from tests.faults.tooled import RUNS
from tests.server.client import Client
from tests.server.v1.api import Api, Event, until_end_of

KILLS = 1
MANY_KILLS = 40
LONG_S = 900
CLICKS = 6
LONGEST_PAUSE_S = 0.3
"""Before the kill: the tool takes half of it."""


@pytest.fixture
def asking(claude: Simulator, tmp_path: Path, told: Told) -> Iterator[Pair]:
    """Two replicas on one file, whose tool `once` asks first."""
    store = f"sqlite:///{tmp_path / 'antiphon.db'}"
    more = {RUNS: str(tmp_path / "runs"), "ANTIPHON_TOOLS": '{"approve": ["once"]}'}
    with (
        running_pair(store, claude, tmp_path, program="tests.faults.tooled", more=more) as started,
        told(started) as pair,
    ):
        yield pair


def api(replica: Replica) -> Api:
    return Api(Client(replica.url))


def asked(pair: Pair, mark: str) -> tuple[str, str, str]:
    """Of a turn of the first replica that waits: conversation, turn, approval."""
    use = {"type": "tool_use", "name": "once", "input": {"mark": mark}}
    pair.claude.forget()
    pair.claude.script(Reply(content=(use,)), Reply(text="Done."))
    one = api(pair.replicas[0])
    conversation = one.conversation()
    turn_id = one.sent(conversation)
    with one.events(conversation) as events:
        request = next(event for event in events if event.type == "approval_request")
    return conversation, turn_id, request.data["approval_id"]


def approve(replica: Replica, approval_id: str) -> int:
    return Client(replica.url).post(f"/v1/approvals/{approval_id}", {"decision": "allow"}).status


def end_of(replica: Replica, conversation: str, turn_id: str) -> Event:
    with api(replica).events(conversation) as events:
        return until_end_of(turn_id, events)[-1]


def told_next(pair: Pair, conversation: str) -> list[dict[str, Any]]:
    """The tool results in the request that the conversation's next message makes."""
    api(pair.replicas[1]).asked(conversation, "And now?")
    request = pair.claude.requests[-1]
    assert request.status == 200
    blocks = [block for message in request.body["messages"] for block in message["content"]]
    return [block for block in blocks if block["type"] == "tool_result"]


def runs_of(folder: Path, mark: str) -> int:
    return (folder / "runs").read_text().split("\n").count(f"once {mark}")


async def survive(pair: Pair, folder: Path, kills: int, seed: int) -> None:
    one, two = pair.replicas
    random, endings = Random(seed), set()
    for number in range(kills):
        mark = f"{seed}.{number}"
        conversation, turn_id, approval_id = asked(pair, mark)
        assert approve(one, approval_id) == 200
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
        one.kill()
        end = end_of(two, conversation, turn_id)
        one.start()
        (result,) = told_next(pair, conversation)
        runs, text = runs_of(folder, mark), result["content"][0]["text"]
        endings.add(end.data["status"])
        if end.data["status"] == "completed":
            assert (runs, text) == (1, mark)
        else:
            assert end.data["error"]["name"] == "tool-unknown"
            assert runs <= 1
            assert "is unknown" in text
    assert endings <= {"completed", "interrupted"}


async def test_a_replica_dies_while_its_turn_waits_and_the_others_are_clicked_twice(
    asking: Pair, tmp_path: Path
) -> None:
    one, two = asking.replicas
    conversation, turn_id, approval_id = asked(asking, "waited")
    one.kill()
    one.start()
    with ThreadPoolExecutor(CLICKS) as pool:
        clicks = [pool.submit(approve, replica, approval_id) for replica in (one, two) * (CLICKS // 2)]
        assert {click.result() for click in clicks} == {200}
    assert end_of(two, conversation, turn_id).data["status"] == "completed"
    assert runs_of(tmp_path, "waited") == 1
    assert [result["content"][0]["text"] for result in told_next(asking, conversation)] == ["waited"]
    await survive(asking, tmp_path, KILLS, seed=21)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S)
async def test_many_replicas_die_just_after_they_were_told(asking: Pair, tmp_path: Path) -> None:
    await survive(asking, tmp_path, MANY_KILLS, seed=2100)
