"""A turn from acceptance to its end, through the service and the real SDK, against the simulator."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.errors import KeyReused, NotFound
from antiphon.service import Ask, Service
from antiphon.simulator.presets import refusal, tool_call
from antiphon.simulator.script import Fail, HangUp, Outcome, Reply, Reset, Stall, StreamError, Truncate
from antiphon.simulator.server import Simulator
from antiphon.stores.base import Accepted
from antiphon.stores.frames import decode_all
from tests.marks import unmarked
from tests.turns.asking import ME, ask, sent, shown

OpenService = Callable[..., Awaitable[Service]]


async def until_text(service: Service, accepted: Accepted, text: str) -> int:
    """The seq at which a reader has seen `text`."""
    seen = ""
    async with asyncio.timeout(10):
        async for frames in service.follow_turn(accepted):
            for seq, event in decode_all(frames):
                if isinstance(event, e.BlockDelta):
                    seen += event.delta.get("text", "")
                if text in seen:
                    return seq
    raise AssertionError(f"never saw {text!r}, only {seen!r}")


async def test_the_second_request_holds_the_first_exchange(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME, system="Be kind.")
    simulator.script(Reply(text="Hello Zoe."))
    first = await ask(service, header, "My name is Zoe.")
    assert (first.text, first.turn.status, first.turn.stop_reason) == ("Hello Zoe.", "completed", "end_turn")
    await ask(service, header, "What is my name?")
    assert sent(simulator) == [
        ("user", "My name is Zoe."),
        ("assistant", "Hello Zoe."),
        ("user", "What is my name?"),
    ]
    assert unmarked(simulator.requests[-1].body["system"]) == [{"type": "text", "text": "Be kind."}]
    assert [role for role, _ in await shown(service, header)] == ["user", "assistant"] * 2


FAILURES: dict[str, tuple[Outcome, str]] = {
    "401": (Fail(status=401), "upstream-auth"),
    "400": (Fail(status=400), "upstream-rejected"),
    "429": (Fail(status=429, retry_after=7), "upstream-busy"),
    "500": (Fail(status=500), "upstream-failed"),
    "529": (Fail(status=529), "upstream-busy"),
    "error event": (Reply(fault=StreamError(after=2)), "upstream-busy"),
    "cut": (Reply(fault=HangUp(after=2)), "upstream-failed"),
    "reset": (Reply(fault=Reset(after=2)), "upstream-failed"),
    "ends early": (Reply(fault=Truncate(after=2)), "upstream-failed"),
    "stall": (Reply(fault=Stall(after=2)), "upstream-failed"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failed_answer_leaves_the_history_as_it_was(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(stall_s=0.3)
    header = await service.create(ME)
    await ask(service, header, "one")
    before = await shown(service, header)
    outcome, problem = FAILURES[failure]
    simulator.script(outcome)
    answer = await ask(service, header, "two", keep_partial=False)
    assert answer.turn.status == "failed"
    assert answer.turn.error is not None
    assert answer.turn.error.name == problem
    assert answer.message is None
    assert await shown(service, header) == before
    await ask(service, header, "two")
    assert sent(simulator) == [*before, ("user", "two")]


@pytest.mark.parametrize("failure", ["error event", "cut", "ends early", "stall"])
async def test_what_a_reader_saw_of_a_cut_answer_is_kept(
    open_one: OpenService, simulator: Simulator, failure: str
) -> None:
    service = await open_one(stall_s=1.0)
    header = await service.create(ME)
    outcome, _ = FAILURES[failure]
    simulator.script(outcome)
    answer = await ask(service, header, "tell me", restart="never")
    assert answer.turn.status == "interrupted"
    assert answer.text == "You said:"
    assert await shown(service, header) == [("user", "tell me"), ("assistant", "You said:")]
    assert (await ask(service, header, "go on")).turn.status == "completed"
    assert len(sent(simulator)) == 3


async def test_a_refused_message_is_shown_and_never_sent_again(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(refusal("I will", explanation="That is not something to help with."))
    answer = await ask(service, header, "something bad")
    assert answer.turn.status == "refused"
    assert answer.text == "That is not something to help with."
    assert await shown(service, header) == []
    assert len((await service.snapshot(ME, header.id)).messages) == 1
    await ask(service, header, "something good")
    assert sent(simulator) == [("user", "something good")]


async def test_a_tool_use_that_nobody_answers_is_not_sent_again(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(tool_call("weather", {"city": "Paris"}, text="Let me look."))
    await ask(service, header, "weather?")
    await ask(service, header, "and now?")
    assert sent(simulator) == [("user", "weather?"), ("assistant", "Let me look."), ("user", "and now?")]


async def test_stop_keeps_what_was_seen_and_closes_the_request(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="one two three four five six seven eight", pace=0.15))
    accepted = await service.send(ME, header.id, Ask(content="count"))
    seen_seq = await until_text(service, accepted, "three")
    await service.cancel(ME, accepted.turn_id, seen_seq)
    async with asyncio.timeout(10):
        answer = await service.answer(accepted)
    assert answer.turn.status == "cancelled"
    assert answer.text.startswith("one two three")
    assert "eight" not in answer.text
    await simulator.until(lambda seen: seen[-1].client_left)
    assert (await shown(service, header))[-1] == ("assistant", answer.text)
    await ask(service, header, "go on")
    assert sent(simulator)[1] == ("assistant", answer.text)


async def test_stop_before_any_text_leaves_the_message_unanswered(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(delay=30))
    accepted = await service.send(ME, header.id, Ask(content="hello?"))
    await simulator.until(lambda seen: len(seen) == 1)
    await service.cancel(ME, accepted.turn_id)
    async with asyncio.timeout(10):
        answer = await service.answer(accepted)
    assert (answer.turn.status, answer.message) == ("cancelled", None)
    assert await shown(service, header) == [("user", "hello?")]
    await service.cancel(ME, accepted.turn_id)


async def test_messages_sent_at_once_are_answered_one_after_the_other(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    answers = await asyncio.gather(*(ask(service, header, f"message {n}") for n in range(12)))
    assert all(answer.turn.status == "completed" for answer in answers)
    history = await shown(service, header)
    assert [role for role, _ in history] == ["user", "assistant"] * 12
    assert {text for role, text in history if role == "user"} == {f"message {n}" for n in range(12)}
    for number in range(12):
        assert sent(simulator, number) == history[: 2 * number + 1]


@pytest.mark.parametrize("withdrawn", [1, 2])
async def test_a_message_behind_withdrawn_ones_goes_on_from_the_answer_before_them(
    service: Service, simulator: Simulator, withdrawn: int
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="Hello Ann."), Reply(text="slow", delay=0.3), Reply(text="Your name is Ann."))
    await ask(service, header, "My name is Ann.")
    accepted = [await service.send(ME, header.id, Ask(content="first"))]
    for content in [*["withdrawn"] * withdrawn, "last"]:
        after_turn = accepted[-1].turn_id
        accepted.append(await service.send(ME, header.id, Ask(content=content, after_turn=after_turn)))
    for each in accepted[1:-1]:
        await service.cancel(ME, each.turn_id)
    async with asyncio.timeout(10):
        await service.answer(accepted[-1])
    assert sent(simulator) == [
        ("user", "My name is Ann."),
        ("assistant", "Hello Ann."),
        ("user", "first"),
        ("assistant", "slow"),
        ("user", "last"),
    ]
    assert await shown(service, header) == [*sent(simulator), ("assistant", "Your name is Ann.")]


async def test_a_message_behind_a_thousand_withdrawn_ones_is_answered(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="slow", delay=60), Reply(text="Hello."))
    first = accepted = await service.send(ME, header.id, Ask(content="first"))
    for _ in range(1000):
        ask_behind = Ask(content="withdrawn", after_turn=accepted.turn_id)
        accepted = await service.send(ME, header.id, ask_behind)
        await service.cancel(ME, accepted.turn_id)
    last = await service.send(ME, header.id, Ask(content="last", after_turn=accepted.turn_id))
    await service.cancel(ME, first.turn_id)
    async with asyncio.timeout(10):
        assert (await service.answer(last)).text == "Hello."
    assert sent(simulator) == [("user", "first"), ("user", "last")]


async def test_one_key_is_one_turn_and_one_request(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    answers = await asyncio.gather(*(ask(service, header, "pay me once", key="k1") for _ in range(5)))
    assert len({answer.turn.id for answer in answers}) == 1
    assert len(simulator.requests) == 1
    with pytest.raises(KeyReused):
        await service.send(ME, header.id, Ask(content="another", key="k1"))


async def test_a_reader_that_leaves_does_not_stop_the_answer(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="one two three four", pace=0.05))
    accepted = await service.send(ME, header.id, Ask(content="count"))
    await until_text(service, accepted, "one")
    async with asyncio.timeout(10):
        answer = await service.answer(accepted)
    assert answer.text == "one two three four"


async def test_a_follower_gets_exactly_the_missing_events_from_any_cursor(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME)
    simulator.script(Reply(deltas=120, delta_chars=5, pace=0.003))
    accepted = await service.send(ME, header.id, Ask(content="go"))

    async def read_from(cursor: int) -> list[int]:
        seqs: list[int] = []
        async for frames in service.follow(header.id, cursor):
            seqs.extend(frame.seq for frame in frames)
            if frames and frames[-1].type == "turn_end":
                return seqs
        raise AssertionError

    async with asyncio.timeout(10):
        early = [asyncio.create_task(read_from(cursor)) for cursor in range(accepted.seq + 1)]
        await service.answer(accepted)
        last = (await service.get(ME, header.id)).last_seq
        late = [await read_from(cursor) for cursor in range(last)]
        assert [await reader for reader in early] == late[: len(early)]
    assert late == [list(range(cursor + 1, last + 1)) for cursor in range(last)]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_dead_replicas_turn_is_taken_over_and_answered(
    open_one: OpenService, simulator: Simulator
) -> None:
    first = await open_one(lease_s=0.5)
    header = await first.create(ME)
    simulator.script(Reply(text="lost words", pace=30))
    accepted = await first.send(ME, header.id, Ask(content="hello"))
    await until_text(first, accepted, "lost")
    await first.close()
    second = await open_one(lease_s=0.5)
    async with asyncio.timeout(15):
        answer = await second.answer(accepted)
    assert answer.turn.status == "completed"
    assert answer.text == 'You said: "hello". That was message 1.'
    assert answer.turn.attempt == 2
    events = decode_all(await second._store.read(header.id, 0, 1000))
    lost = [event for _, event in events if isinstance(event, e.AttemptError)]
    assert [error.attempt for error in lost] == [1]
    assert len(simulator.requests) == 2
    assert await shown(second, header) == [("user", "hello"), ("assistant", answer.text)]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_turn_is_taken_over_whatever_the_one_before_it_left(
    open_one: OpenService, simulator: Simulator
) -> None:
    first = await open_one(lease_s=0.5)
    header = await first.create(ME)
    simulator.script(Reply(text="kept words", pace=30), Reply(text="lost words", pace=30))
    stopped = await first.send(ME, header.id, Ask(content="one"))
    await until_text(first, stopped, "kept")
    waiting = await first.send(ME, header.id, Ask(content="two"))
    await first.cancel(ME, stopped.turn_id)
    await until_text(first, waiting, "lost")
    await first.close()
    second = await open_one(lease_s=0.5)
    async with asyncio.timeout(15):
        answer = await second.answer(waiting)
    assert (answer.turn.status, answer.turn.attempt) == ("completed", 2)
    assert [text for _, text in await shown(second, header)] == ["one", "kept", "two", answer.text]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_dead_replicas_text_is_the_answer_where_it_cannot_be_taken_back(
    open_one: OpenService, simulator: Simulator
) -> None:
    first = await open_one(lease_s=0.5)
    header = await first.create(ME)
    simulator.script(Reply(text="lost words", pace=30))
    accepted = await first.send(ME, header.id, Ask(content="hello", restart="never"))
    await until_text(first, accepted, "lost")
    await first.close()
    second = await open_one(lease_s=0.5)
    async with asyncio.timeout(15):
        answer = await second.answer(accepted)
    assert (answer.turn.status, answer.text) == ("interrupted", "lost")
    assert len(simulator.requests) == 1
    assert await shown(second, header) == [("user", "hello"), ("assistant", "lost")]


async def test_a_deleted_conversation_ends_its_turn_and_its_readers(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME, name="gone")
    simulator.script(Reply(text="never finished words", pace=30))
    accepted = await service.send(ME, header.id, Ask(content="hello"))
    reader = asyncio.create_task(service.answer(accepted))
    await until_text(service, accepted, "never")
    await service.forget(ME, "gone")
    async with asyncio.timeout(10):
        with pytest.raises(NotFound):
            await reader
    await simulator.until(lambda seen: seen[-1].client_left)
    again = await service.create(ME, name="gone")
    assert again.id != header.id
    assert (await ask(service, again, "hello")).text == 'You said: "hello". That was message 1.'


async def test_a_changed_system_prompt_holds_from_its_turn_on_and_drops_thinking(
    service: Service, simulator: Simulator
) -> None:
    header = await service.create(ME, system="One.")
    simulator.script(Reply(text="a", thinking="hmm"), Reply(text="b", thinking="hmm"), Reply(text="c"))
    await ask(service, header, "1")
    await ask(service, header, "2")
    assert [block["type"] for block in simulator.requests[-1].body["messages"][1]["content"]] == [
        "thinking",
        "text",
    ]
    await ask(service, header, "3", settings={"system": "Two."})
    body = simulator.requests[-1].body
    assert body["system"][0]["text"] == "Two."
    assert {block["type"] for message in body["messages"] for block in message["content"]} == {"text"}
    assert (await service.get(ME, header.id)).system == "Two."


async def test_totals_count_each_attempt_once(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(
        Reply(text="x", usage={"input_tokens": 1000, "cache_read_input_tokens": 4000, "output_tokens": 100}),
        Fail(status=529),
        Reply(text="y", usage={"input_tokens": 10, "output_tokens": 1}),
    )
    answers = [await ask(service, header, str(n)) for n in range(3)]
    totals = await service.totals(ME, header.id)
    assert totals.turns == 3
    assert (totals.usage.input_tokens, totals.usage.output_tokens) == (1010, 101)
    # Sonnet 5.5: input $2, output $10, cache reads $0.10 per million tokens.
    assert answers[0].turn.cost_nanodollars == 1000 * 2000 + 4000 * 100 + 100 * 10_000
    assert totals.cost_nanodollars == answers[0].turn.cost_nanodollars + 10 * 2000 + 10_000
    assert totals.saved_nanodollars == 4000 * 1900


async def test_a_turn_past_its_deadline_ends(open_one: OpenService, simulator: Simulator) -> None:
    service = await open_one(deadline_s=0.8)
    header = await service.create(ME)
    simulator.script(Reply(delay=30))
    answer = await ask(service, header, "hello")
    assert answer.turn.status == "failed"
    assert answer.turn.error is not None
    assert answer.turn.error.name == "deadline"
    await simulator.until(lambda seen: seen[-1].client_left)


async def test_the_log_holds_every_step_of_a_turn_in_order(service: Service, simulator: Simulator) -> None:
    header = await service.create(ME)
    simulator.script(Reply(text="Hi."))
    accepted = await service.send(ME, header.id, Ask(content="hello"))
    await service.answer(accepted)
    frames = await service._store.read(header.id, 0)
    assert [frame.type for frame in frames] == [
        "conversation_create",
        "message_add",
        "turn_queue",
        "title_change",
        "turn_start",
        "step_start",
        "block_start",
        "block_delta",
        "block_end",
        "step_end",
        "turn_end",
    ]
    assert fold(decode_all(frames)) == await service.snapshot(ME, header.id)
