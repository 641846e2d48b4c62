"""What is tried before an answer fails: the same model again, the next of the chain, or nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from antiphon.domain import events as e
from antiphon.service import Ask, Service
from antiphon.simulator.presets import refusal, spend_limit
from antiphon.simulator.script import Fail, HangUp, Outcome, Reply, Stall, StreamError, Truncate
from antiphon.simulator.server import Simulator
from antiphon.stores.frames import decode_all
from tests.turns.asking import ME, ask, shown

OpenService = Callable[..., Awaitable[Service]]
SONNET, HAIKU, OPUS = "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"


def models(simulator: Simulator) -> list[str]:
    return [request.body["model"] for request in simulator.requests]


PASSING: dict[str, Outcome] = {
    "429": Fail(status=429),
    "500": Fail(status=500),
    "529": Fail(status=529),
    "409": Fail(status=409),
    "advice": Fail(status=400, should_retry=True),
    "error before a delta": Reply(fault=StreamError(at="before_deltas")),
    "cut": Reply(fault=HangUp(at="mid_text")),
    "truncated": Reply(fault=Truncate(at="before_end")),
    "stalled": Reply(fault=Stall(at="mid_text", seconds=600)),
}


@pytest.mark.parametrize("failure", PASSING)
async def test_what_may_pass_is_tried_again(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(max_attempts=3, stall_s=2 if failure == "stalled" else 60)
    header = await service.create(ME)
    simulator.script(PASSING[failure], Reply(text="There."))
    answer = await ask(service, header, "one")
    assert (answer.text, answer.turn.status, answer.turn.attempt) == ("There.", "completed", 2)
    assert answer.turn.error is None
    assert await shown(service, header) == [("user", "one"), ("assistant", "There.")]
    assert len(simulator.requests) == 2


LASTING: dict[str, Outcome] = {
    "400": Fail(status=400),
    "401": Fail(status=401),
    "403": Fail(status=403),
    "404": Fail(status=404),
    "413": Fail(status=413),
    "spend limit": spend_limit(),
    "advice": Fail(status=529, should_retry=False),
    "an hour's wait": Fail(status=429, retry_after=3600),
}


@pytest.mark.parametrize("failure", LASTING)
async def test_what_will_not_pass_in_time_is_not(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(max_attempts=3)
    header = await service.create(ME)
    simulator.script(LASTING[failure])
    answer = await ask(service, header, "one")
    assert answer.turn.status == "failed"
    assert len(simulator.requests) == 1
    assert await shown(service, header) == []


async def test_requests_are_never_more_than_allowed(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(max_attempts=4, fallback=(HAIKU, OPUS))
    header = await service.create(ME)
    simulator.script(Fail(status=529, times=9))
    answer = await ask(service, header, "one")
    assert answer.turn.status == "failed"
    assert models(simulator) == [SONNET, SONNET, HAIKU, OPUS]


async def test_another_model_answers_and_says_so(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(max_attempts=2, fallback=(HAIKU,))
    header = await service.create(ME)
    simulator.script(
        Fail(status=529, for_model=SONNET),
        Reply(text="From Haiku.", for_model=HAIKU),
        Reply(text="From Sonnet.", for_model=SONNET),
    )
    accepted = await service.send(ME, header.id, Ask(content="one"))
    async with asyncio.timeout(10):
        told = [event async for frames in service.follow_turn(accepted) for _, event in decode_all(frames)]
    changes = [event for event in told if isinstance(event, e.ModelChange)]
    assert [(c.from_model, c.to_model, c.reason) for c in changes] == [(SONNET, HAIKU, "upstream-busy")]
    answer = await service.answer(accepted)
    assert (answer.text, answer.turn.model) == ("From Haiku.", HAIKU)
    assert (await ask(service, header, "two")).text == "From Sonnet."


async def test_a_long_wait_is_not_waited_where_another_model_can_answer(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=3, fallback=(HAIKU,))
    header = await service.create(ME)
    simulator.script(Fail(status=429, retry_after=3600, for_model=SONNET))
    assert (await ask(service, header, "one")).turn.status == "completed"
    assert models(simulator) == [SONNET, HAIKU]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_model_that_is_not_to_be_had_is_replaced(
    open_one: OpenService, simulator: Simulator, status: int
) -> None:
    service = await open_one(max_attempts=3, fallback=(HAIKU,))
    header = await service.create(ME)
    simulator.script(Fail(status=status, for_model=SONNET))
    assert (await ask(service, header, "one")).turn.model == HAIKU


async def test_thinking_goes_back_to_the_model_that_wrote_it_alone(
    open_one: OpenService, simulator: Simulator
) -> None:
    """The simulator refuses thinking of another model, or under another prefix, as Claude does."""
    service = await open_one(max_attempts=2, fallback=(HAIKU,))
    header = await service.create(ME, options={"thinking": {"type": "adaptive", "display": "summarized"}})
    simulator.script(
        Reply(text="A", thinking="first", for_model=SONNET),
        Fail(status=529, for_model=SONNET),
        Reply(text="B", thinking="second", for_model=HAIKU),
        Reply(text="C", thinking="third", for_model=SONNET),
        Fail(status=529, for_model=SONNET),
        Reply(text="D", for_model=HAIKU),
        Reply(text="E", for_model=SONNET),
    )
    said = [(await ask(service, header, f"message {n}")).text for n in range(5)]
    assert said == ["A", "B", "C", "D", "E"]
    assert _thoughts(simulator.requests[-1].body) == ["first", "third"]
    assert _thoughts(simulator.requests[-2].body) == ["second"]


def _thoughts(body: dict[str, Any]) -> list[str]:
    blocks = [block for message in body["messages"] for block in message["content"]]
    return [block["thinking"] for block in blocks if block["type"] == "thinking"]


async def test_parameters_are_those_of_the_model_that_answers(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=2, fallback=("claude-haiku-4-5",))
    header = await service.create(ME, options={"output_config": {"effort": "max"}})
    simulator.script(Fail(status=529, for_model=SONNET))
    assert (await ask(service, header, "one")).turn.status == "completed"
    first, second = (request.body for request in simulator.requests)
    assert first["output_config"] == {"effort": "max"}
    assert "output_config" not in second


async def test_text_that_cannot_be_taken_back_is_not_followed_by_other_text(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=3, fallback=(HAIKU,))
    header = await service.create(ME)
    simulator.script(Reply(text="one two three", fault=HangUp(at="mid_text")))
    answer = await ask(service, header, "count", restart="never")
    assert answer.turn.status == "interrupted"
    assert "one two three".startswith(answer.text)
    assert answer.text
    assert len(simulator.requests) == 1


async def test_before_any_text_even_such_a_reader_gets_another_attempt(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=3)
    header = await service.create(ME)
    simulator.script(Reply(fault=HangUp(at="before_deltas")), Reply(text="There."))
    assert (await ask(service, header, "one", restart="never")).text == "There."


async def test_an_answer_can_be_stopped_while_it_waits_for_its_next_attempt(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=3)
    header = await service.create(ME)
    simulator.script(Fail(status=429, retry_after=60))
    accepted = await service.send(ME, header.id, Ask(content="one"))
    async with asyncio.timeout(10):
        async for frames in service.follow_turn(accepted):
            if any(frame.type == e.AttemptError.type for frame in frames):
                break
        await service.cancel(ME, accepted.turn_id)
        answer = await service.answer(accepted)
    assert answer.turn.status == "cancelled"
    assert len(simulator.requests) == 1
    assert await shown(service, header) == [("user", "one")]


async def test_a_refusal_is_taken_to_the_next_model(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(max_attempts=3, fallback=(OPUS,))
    header = await service.create(ME)
    simulator.script(refusal("No."), Reply(text="Yes.", for_model=OPUS))
    answer = await ask(service, header, "one")
    assert (answer.text, answer.turn.status, answer.turn.model) == ("Yes.", "completed", OPUS)
    assert await shown(service, header) == [("user", "one"), ("assistant", "Yes.")]


async def test_a_refusal_of_all_models_is_one(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(max_attempts=3, fallback=(OPUS,))
    header = await service.create(ME)
    simulator.script(refusal("No."), refusal("Neither do I."))
    answer = await ask(service, header, "one")
    assert answer.turn.status == "refused"
    assert models(simulator) == [SONNET, OPUS]
    assert await shown(service, header) == []


async def test_a_model_that_fails_all_the_time_is_left_alone(
    open_one: OpenService, simulator: Simulator
) -> None:
    service = await open_one(max_attempts=1)
    header = await service.create(ME)
    simulator.script(Fail(status=529, times=10))
    for n in range(10):
        await ask(service, header, f"message {n}")
    answer = await ask(service, header, "once more")
    assert answer.turn.error is not None
    assert answer.turn.error.name == "upstream-busy"
    assert answer.turn.error.retry_after_s is not None
    assert len(simulator.requests) == 10


async def test_a_fallback_without_a_price_is_refused_before_anything_is_sent(open_one: OpenService) -> None:
    with pytest.raises(Exception, match="nobody-knows-it"):
        await open_one(fallback=("nobody-knows-it",))
