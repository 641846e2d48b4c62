"""After anything that can happen to a conversation, the next request is valid and begins as the last one."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from antiphon.domain.messages import Block, text_block
from tests.context.grown import Grown, spelled

WORDS = st.sampled_from(["Hello.", "And then?", "Look it up.", "你好", "No, the other one."])
MODELS = st.sampled_from(
    ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-haiku-4-5", "claude-fable-5-2"]
)


class Conversations(RuleBasedStateMachine):
    """One conversation. Between turns its last plan is kept, for the next one to begin with."""

    @initialize(model=MODELS)
    def begin(self, model: str) -> None:
        self.grown = Grown(model)
        self.answers: list[str] = []
        self.before: list[str] = []
        self.uses = 0

    def sent(self) -> None:
        """A request goes out. Unless something had to change, it begins with the last one's bytes."""
        plan = self.grown.plan()
        self.grown.check(plan)
        now = spelled(plan)
        assert now[: len(self.before)] == self.before
        self.before = now

    def changed(self) -> None:
        self.before = []

    @rule(text=WORDS, thinks=st.booleans())
    def ask_and_be_answered(self, text: str, thinks: bool) -> None:
        self.grown.ask(text)
        self.sent()
        self.answers.append(self.grown.step(0, text_block("Yes."), thinks=thinks))
        self.grown.end()

    @rule(text=WORDS, failed=st.booleans(), at_once=st.integers(1, 3))
    def ask_and_have_tools_used(self, text: str, failed: bool, at_once: int) -> None:
        self.grown.ask(text)
        self.sent()
        uses = [self._use() for _ in range(at_once)]
        self.grown.step(0, *uses)
        self.grown.results(0, *(_result(use, failed) for use in uses))
        self.sent()
        self.answers.append(self.grown.step(1, text_block("Found.")))
        self.grown.end(steps=2)

    @rule(text=WORDS)
    def ask_and_stop_in_the_middle(self, text: str) -> None:
        self.grown.ask(text)
        self.sent()
        self.grown.step(0, text_block("Well, it"))
        self.grown.end("cancelled", steps=0, partial=(text_block("Well, it"),))
        self.changed()  # the thinking before the text is gone

    @rule(text=WORDS)
    def ask_and_get_nothing(self, text: str) -> None:
        self.grown.ask(text)
        self.sent()
        self.grown.end("failed", steps=0)

    @rule(text=WORDS)
    def ask_and_stop_while_a_tool_runs(self, text: str) -> None:
        self.grown.ask(text)
        self.sent()
        self.grown.step(0, text_block("Let me look."), self._use())
        self.grown.end("cancelled")

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), text=WORDS)
    def branch_off(self, data: st.DataObject, text: str) -> None:
        self.grown.move(data.draw(st.sampled_from(self.answers)))
        self.changed()
        self.ask_and_be_answered(text, thinks=True)

    @precondition(lambda self: len(self.grown.shown.path()) > 2)
    @rule(data=st.data(), text=WORDS)
    def edit(self, data: st.DataObject, text: str) -> None:
        path = self.grown.shown.path()
        asked = data.draw(st.sampled_from([m for m in path if m.id.startswith("u")]))
        self.grown.ask(text, parent=asked.parent_id)
        self.changed()
        self.sent()
        self.answers.append(self.grown.step(0, text_block("Again.")))
        self.grown.end()

    @rule(model=MODELS)
    def switch_the_model(self, model: str) -> None:
        self.grown.switch(model)
        self.changed()

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        on_path = {message.id for message in self.grown.shown.path()}
        after = data.draw(st.sampled_from(self.answers))
        self.grown.compact(after, f"Summary {len(self.grown.compactions)}.")
        if after in on_path:
            self.changed()

    @invariant()
    def the_next_message_can_be_sent(self) -> None:
        if not hasattr(self, "grown"):
            return
        held = (self.grown.shown, self.grown.seq, dict(self.grown.placed), self.grown.turns)
        self.grown.ask("And now?")
        self.grown.check(self.grown.plan())
        self.grown.shown, self.grown.seq, self.grown.placed, self.grown.turns = held

    def _use(self) -> Block:
        self.uses += 1
        return {"type": "tool_use", "id": f"toolu_{self.uses}", "name": "f", "input": {"n": self.uses}}


def _result(use: Block, failed: bool) -> Block:
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "Rain."}
    return {**result, "content": "It broke.", "is_error": True} if failed else result


Conversations.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)

TestAnyConversation = Conversations.TestCase
