"""Requests that race to one session: each is answered, and their turns never interleave."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from antiphon.simulator import Reply, Simulator
from tests.server.client import Answer, Client
from tests.server.conftest import Serve
from tests.server.histories import asked, assert_alternates, messages_of

RACERS = 8


def race(client: Client, simulator: Simulator, path: str) -> list[Answer]:
    simulator.script(*(Reply(text=f"Answer {number}.", pace=0.01) for number in range(RACERS)))
    values = [{"session_id": "s", "message": f"Question {number}."} for number in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(lambda value: client.post(path, value), values))


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_each_of_many_at_once_is_answered_in_turn(
    kept_client: Client, simulator: Simulator, path: str
) -> None:
    answers = race(kept_client, simulator, path)
    assert [answer.status for answer in answers] == [200] * RACERS
    said = [answer.json["response"] if path == "/chat" else answer.text for answer in answers]
    assert sorted(said) == [f"Answer {number}." for number in range(RACERS)]
    histories = [messages_of(request) for request in asked(simulator)]
    for shorter, longer in pairwise(histories):
        assert longer[: len(shorter)] == shorter
        assert len(longer) == len(shorter) + 2
    assert_alternates(histories[-1])
    for number, answer in enumerate(said):
        assert answer_to(f"Question {number}.", histories[-1]) in {answer, None}


def answer_to(question: str, history: list[tuple[str, str]]) -> str | None:
    """None for the last one, whose answer comes after this."""
    place = history.index(("user", question))
    return history[place + 1][1] if place + 1 < len(history) else None


def test_one_key_sent_many_times_at_once_is_one_turn(kept_client: Client, simulator: Simulator) -> None:
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(lambda _: kept_client.chat("Once.", key="k"), range(RACERS)))
    assert [answer.status for answer in answers] == [200] * RACERS
    assert len({answer.body for answer in answers}) == 1
    assert len(asked(simulator)) == 1


def test_clearing_while_others_write_harms_nobody(kept_client: Client, simulator: Simulator) -> None:
    with ThreadPoolExecutor(RACERS) as pool:
        writing = [pool.submit(kept_client.chat, f"Question {number}.") for number in range(RACERS)]
        clearing = [pool.submit(kept_client.clear) for _ in range(3)]
        statuses = {answer.result().status for answer in writing}
        assert {answer.result().status for answer in clearing} == {200}
    assert statuses <= {200, 404}
    for request in asked(simulator):
        assert_alternates(messages_of(request))


def test_too_many_that_wait_are_turned_away(serve: Serve, simulator: Simulator) -> None:
    client = serve(queue_max=1)
    simulator.script(Reply(text="a b c", pace=60.0))
    with client.streaming("Running.") as running, client.streaming("Waiting."):
        next(running)
        answer = client.chat("One too many.")
        assert (answer.status, answer.problem) == (429, "queue-full")
        client.clear()
