"""A conversation as it grows in a replay: its path, its clock, and what has been asked of models so far."""

from dataclasses import dataclass, field
from typing import Any

from antiphon.context.compaction import Standing
from antiphon.context.estimate import TokenEstimates, plan_tokens
from antiphon.domain.conversations import Compaction, Header, PlacedMessage
from antiphon.domain.messages import Block, Message, Role, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.domain.usage import Usage
from antiphon.money.pricing import Lifetime
from antiphon.simulator.tokens import output_tokens
from bench.cost.cache import Accounted, StudyCache
from bench.cost.words import Words
from bench.cost.workload import SYSTEM_CHARACTERS, TOOL_CHARACTERS, TOOLS, Conversation, Step, Turn

TOKENS_PER_S = 80.0
"""Of an answer; the answer takes this long, the pause begins at its end."""
TOOL_S = 1.0


@dataclass
class History:
    """`spent` has the model and the usage of each request. `asked_at` is the start of the conversation's last
    request, `renewed_at` that of the last one that used its prefix, a ping too.
    """

    header: Header
    tools: tuple[dict[str, Any], ...]
    words: Words
    cache: StudyCache
    now: float = 0.0
    turns: int = 0
    path: list[PlacedMessage] = field(default_factory=list)
    compactions: list[Compaction] = field(default_factory=list)
    asked_at: float | None = None
    renewed_at: float | None = None
    longest_pause: float = 0.0
    pauses: list[float] = field(default_factory=list)
    spent: list[tuple[str, Usage]] = field(default_factory=list)
    estimates: TokenEstimates = field(default_factory=TokenEstimates)

    def add(self, role: Role, *content: Block) -> None:
        number = len(self.path) + 1
        message = Message(id=f"m{number}", parent_id=None, role=role, content=content, turn_id="t")
        self.path.append(PlacedMessage(seq=number, message=message))

    def asks(self, turn: Turn) -> None:
        self.now += turn.pause_s
        if self.asked_at is not None:
            self.pauses.append(self.now - self.asked_at)
            self.longest_pause = max(self.longest_pause, self.pauses[-1])
        self.turns += 1
        self.add("user", text_block(self.words.asked(turn.asked)))

    def answer(self, step: Step) -> tuple[Block, ...]:
        if step.result is None:
            return (text_block(self.words.said(step.said)),)
        use_id = f"toolu_{len(self.path):06}"
        return (
            {"type": "tool_use", "id": use_id, "name": "look_up", "input": {"q": self.words.text(step.said)}},
        )

    def request(self, plan: RequestPlan, answer: tuple[Block, ...]) -> None:
        """Send it; what it used is written down, and time goes by until its answer is complete."""
        out = output_tokens(answer)
        accounted = self.cache.account(body(plan), self.now)
        self.renewed_at = self.now
        self.note(plan.model, accounted, out)
        self.now += out / TOKENS_PER_S

    def note(self, model: str, prompt: Accounted, out: int) -> None:
        self.spent.append((model, prompt.usage(out)))

    def aside(self, plan: RequestPlan, out: int) -> None:
        """A request to another model: all of its prompt is uncached."""
        self.note(plan.model, Accounted(plan_tokens(plan), 0, 0, 0), out)

    def answered(self, step: Step, answer: tuple[Block, ...]) -> None:
        self.add("assistant", *answer)
        if step.result is not None:
            result = self.words.text(step.result)
            self.add("user", {"type": "tool_result", "tool_use_id": answer[0]["id"], "content": result})
            self.now += TOOL_S

    def standing(self, lifetime: Lifetime | None, compaction: Compaction | None) -> Standing:
        idle = None if self.renewed_at is None else self.now - self.renewed_at
        return Standing(path=self.path, compaction=compaction, idle_s=idle, lifetime=lifetime)


def body(plan: RequestPlan) -> dict[str, Any]:
    return {"model": plan.model, "tools": plan.tools, "system": plan.system, "messages": plan.messages}


def begun(conversation: Conversation, model: str, cache: StudyCache, words: Words | None = None) -> History:
    """The conversation before its first turn. Its texts are the same under every policy."""
    words = words or Words(f"{conversation.kind} {conversation.number}")
    system = words.text(SYSTEM_CHARACTERS[conversation.kind])
    header = Header(id="c", principal="p", created_at=0, updated_at=0, system=system, model=model)
    return History(header=header, tools=tools_of(conversation), words=words, cache=cache)


def tools_of(conversation: Conversation) -> tuple[dict[str, Any], ...]:
    """Definitions of an assumed size, with a text that is the same for all conversations of the kind."""
    words = Words(conversation.kind)
    return tuple(
        {
            "name": f"tool_{n:02}",
            "description": words.text(TOOL_CHARACTERS - 150),
            "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
        }
        for n in range(TOOLS[conversation.kind])
    )
