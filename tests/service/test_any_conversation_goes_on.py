"""After anything that can happen to a conversation in a running service, it goes on, valid and cached."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from antiphon.bootstrap import make_store
from antiphon.domain import events as e
from antiphon.domain.messages import Message
from antiphon.settings import Settings
from antiphon.simulator import Fail, Outcome, Reply, Simulator, refusal
from antiphon.stores.base import Store
from antiphon.stores.memory import MemoryStore
from tests.service.living import ME, Living

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
Run = Callable[[Coroutine[Any, Any, Any]], Any]

WORDS = st.sampled_from(["Hello.", "And then?", "Look it up.", "你好", "No, the other one."])
MODELS = st.sampled_from(
    ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-haiku-4-5", "claude-fable-5-2"]
)
LONG = "A thing that was said at length, and may be of use again. " * 700
"""About 10,000 tokens: a few of them are more than is sent of a conversation in full."""
A_WHILE_S = 2 * 3600.0


class Conversations(RuleBasedStateMachine):
    """One conversation in one service; between turns the service may begin anew on the same data."""

    def __init__(self, run: Run, simulator: Simulator, stores: Callable[[], Callable[[], Store]]) -> None:
        super().__init__()
        self.run, self.simulator, self.stores = run, simulator, stores

    @initialize(model=MODELS)
    def begin(self, model: str) -> None:
        self.simulator.forget()
        self.model = model
        living = Living(self.simulator, self.stores(), model)
        self.run(living.begin())
        self.living = living

    def teardown(self) -> None:
        if hasattr(self, "living"):
            self.run(self._last())

    async def _last(self) -> None:
        self.simulator.forget()
        try:
            answer = await self.living.answer(await self.living.send("And now?"))
            assert answer.turn.status == "completed"
        finally:
            await self.living.service.close()

    def next(self, *outcomes: Outcome) -> None:
        """What Claude does next; a summary that comes before takes it, and is then none."""
        self.simulator.forget()
        self.simulator.script(*outcomes)

    @rule(text=WORDS, thinks=st.booleans())
    def ask(self, text: str, thinks: bool) -> None:
        self.next(Reply(text="Yes.", thinking="Is it so?" if thinks else None))
        self.run(self._asked(text))

    @rule(text=WORDS, later=st.booleans())
    def ask_at_length_and_again(self, text: str, later: bool) -> None:
        """What was said before is then summarised, while it is in the cache or when it is not any more."""
        self.next()
        for said in (text + LONG, text + LONG, text):
            self.living.clock.added_s += A_WHILE_S * later
            self.run(self._asked(said))

    @rule(text=WORDS, says=st.lists(st.sampled_from(["sun", "rain", "break"]), min_size=1, max_size=3))
    def ask_and_have_tools_used(self, text: str, says: list[str]) -> None:
        self.next(Reply(content=tuple(_use(say) for say in says)), Reply(text="Found."))
        self.run(self._asked(text))

    @rule(text=WORDS, outcome=st.sampled_from([refusal(explanation="No."), Fail(status=403)]))
    def ask_and_get_nothing(self, text: str, outcome: Outcome) -> None:
        self.next(outcome)
        self.run(self._asked(text))

    @rule(text=WORDS, thinks=st.booleans())
    def ask_and_stop_in_the_middle(self, text: str, thinks: bool) -> None:
        self.next(Reply(text="Well, it is", thinking="Is it?" if thinks else None, pace=0.02))
        self.run(self._stopped(text, e.BlockDelta.type))

    @rule(text=WORDS)
    def ask_and_stop_while_a_tool_runs(self, text: str) -> None:
        self.next(Reply(content=({"type": "text", "text": "Let me look."}, _use("sun"), _use("wait"))))
        self.run(self._stopped(text, e.ToolStart.type))

    @rule(text=WORDS, second=WORDS)
    def ask_twice_at_once(self, text: str, second: str) -> None:
        self.next()
        self.run(self._twice(text, second))

    @precondition(lambda self: self._asked_so_far())
    @rule(data=st.data(), text=WORDS)
    def edit(self, data: st.DataObject, text: str) -> None:
        edited = data.draw(st.sampled_from(self._asked_so_far()))
        self.living.changed()
        self.next()
        self.run(self._asked(text, parent_id=edited.parent_id))

    @precondition(lambda self: self._asked_so_far())
    @rule(data=st.data())
    def have_it_answered_again(self, data: st.DataObject) -> None:
        question = data.draw(st.sampled_from(self._asked_so_far()))
        self.living.changed()
        self.next()
        self.run(self._asked(None, parent_id=question.id))

    @precondition(lambda self: self._asked_so_far())
    @rule(data=st.data(), text=WORDS)
    def go_on_from_elsewhere(self, data: st.DataObject, text: str) -> None:
        places = [message.id for message in self._path() if message.role == "assistant"]
        place = data.draw(st.sampled_from([None, *places]))
        self.living.changed()
        self.next()
        self.run(self.living.service.move_head(ME, self.living.id, place))
        self.run(self._asked(text))

    @rule(model=MODELS)
    def switch_the_model(self, model: str) -> None:
        if model != self.model:
            self.model = model
            self.living.changed()
        self.run(self.living.service.update(ME, self.living.id, model=model))

    @rule()
    def restart(self) -> None:
        self.run(self.living.restart())

    @rule(text=WORDS)
    def restart_while_it_answers(self, text: str) -> None:
        self.next(Reply(text="one two three", pace=0.5), Reply(text="one two three"))
        self.run(self._restarted(text))

    # What the rules do

    async def _asked(self, text: str | None, **more: Any) -> None:
        await self.living.answer(await self.living.send(text, **more))

    async def _twice(self, text: str, second: str) -> None:
        accepted = [await self.living.send(each) for each in (text, second)]
        for each in accepted:
            async with asyncio.timeout(20):
                answer = await self.living.service.answer(each)
        await self.living.look(answer)

    async def _stopped(self, text: str, kind: str) -> None:
        accepted = await self.living.send(text)
        await self.living.until(accepted, kind, e.TurnEnd.type)
        await self.living.service.cancel(ME, accepted.turn_id)
        await self.living.answer(accepted)

    async def _restarted(self, text: str) -> None:
        accepted = await self.living.send(text)
        came = await self.living.until(accepted, e.BlockDelta.type, e.RequestStart.type, e.TurnEnd.type)
        if came == e.RequestStart.type:  # it is announced before it is sent
            await self.living.simulator.until(bool)
        await self.living.restart()
        await self.living.answer(accepted)

    def _path(self) -> list[Message]:
        path: list[Message] = self.run(self.living.path())
        return path

    def _asked_so_far(self) -> list[Message]:
        """The questions on the path, the tools' results apart."""
        return [m for m in self._path() if m.role == "user" and m.content[0]["type"] == "text"]


def _use(say: str) -> dict[str, Any]:
    return {"type": "tool_use", "name": "f", "input": {"say": say}}


def stores_of(kind: str, folder: Path) -> Callable[[], Callable[[], Store]]:
    """For each conversation its data, and how a store on them is opened again."""
    number = count()

    def fresh() -> Callable[[], Store]:
        if kind == "memory":
            kept = MemoryStore()
            return lambda: kept
        url = f"sqlite:///{folder / f'{next(number)}.db'}"
        return lambda: make_store(Settings(store=url))

    return fresh


@contextmanager
def claude() -> Iterator[tuple[Run, Simulator]]:
    with asyncio.Runner() as runner:
        simulator = Simulator()
        runner.run(simulator.__aenter__())
        try:
            yield runner.run, simulator
        finally:
            runner.run(simulator.__aexit__(None, None, None))


def goes_on(kind: str, folder: Path, *, examples: int, steps: int) -> None:
    with claude() as (run, simulator):
        fresh = stores_of(kind, folder)

        class Held(Conversations):
            def __init__(self) -> None:
                super().__init__(run, simulator, fresh)

        bounds = settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(Held, settings=bounds)


@pytest.mark.parametrize(("kind", "examples"), [("memory", "12"), ("sqlite", "6")])
def test_any_conversation_goes_on(kind: str, examples: str, tmp_path: Path) -> None:
    """In a process of its own: what other tests leave behind in theirs has made its waits long."""
    walk = [sys.executable, "-m", "tests.service.test_any_conversation_goes_on"]
    done = subprocess.run(
        [*walk, kind, examples, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_any_of_many_conversations_goes_on(kind: str, tmp_path: Path) -> None:
    goes_on(kind, tmp_path, examples=200, steps=40)


if __name__ == "__main__":
    goes_on(sys.argv[1], Path(sys.argv[3]), examples=int(sys.argv[2]), steps=15)
