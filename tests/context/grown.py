"""A conversation that grows turn by turn through the fold, as an engine would write it, with signed thinking.

Each thinking block is signed with what was sent before it. `check` refuses a plan that sends one after
anything else, as the API does for bound models, and whatever else the API would refuse.
"""

import json
from dataclasses import replace
from typing import Any

from antiphon.context.plan import Request, in_force, plan_request
from antiphon.domain import events as e
from antiphon.domain.conversations import Compaction, Header, PlacedMessage
from antiphon.domain.fold import fold
from antiphon.domain.messages import THINKING, Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.domain.state import Conversation
from antiphon.domain.usage import Usage
from antiphon.money.table import load_facts
from antiphon.simulator.models import catalogue
from antiphon.simulator.validate import check

TABLE = load_facts()
MODELS = catalogue()
TOOLS = ({"name": "f", "description": "Looks up.", "input_schema": {"type": "object"}},)


class Grown:
    """The log, its fold, and what an engine keeps beside them."""

    def __init__(self, model: str = "claude-sonnet-5-5") -> None:
        self.header = Header(
            id="c1", principal="local", created_at=1, updated_at=1, system="Be brief.", model=model
        )
        self.shown: Conversation = fold([])
        self.seq = 0
        self.placed: dict[str, int] = {}
        self.compactions: list[Compaction] = []
        self.signed: dict[str, str] = {}
        self.turns = 0

    def write(self, *events: e.Event) -> None:
        before = set(self.shown.messages)
        numbered = list(enumerate(events, self.seq + 1))
        self.shown = fold(numbered, self.shown)
        self.seq += len(events)
        for message_id in self.shown.messages.keys() - before:
            self.placed[message_id] = self.seq

    def path(self) -> list[PlacedMessage]:
        return [PlacedMessage(seq=self.placed[message.id], message=message) for message in self.shown.path()]

    @property
    def compaction(self) -> Compaction | None:
        return in_force(self.path(), self.compactions)

    def request(self) -> Request:
        return Request(model=self.header.model, options={}, tools=TOOLS, facts=TABLE.get(self.header.model))

    def plan(self) -> RequestPlan:
        return plan_request(self.header, self.path(), self.request(), self.compaction)

    # What may happen to it

    def ask(self, text: str, parent: str | None = e.HEAD) -> str:
        """A turn starts; the message's parent is the head, or the message that is given."""
        self.turns += 1
        turn, message = f"t{self.turns}", f"u{self.turns}"
        parent = self.shown.head if parent == e.HEAD else parent
        self.write(
            e.MessageAdd(at=1, message_id=message, turn_id=turn, content=(text_block(text),)),
            e.TurnQueue(at=1, turn_id=turn, message_id=message),
            e.TurnStart(at=1, turn_id=turn, message_id=message, parent_id=parent),
        )
        return turn

    def step(self, number: int, *said: Block, thinks: bool = True) -> str:
        """A whole answer to what would be sent now."""
        message_id = f"a{self.turns}.{number}"
        content = (*([self._thought()] if thinks else []), *said)
        self.write(
            e.StepStart(
                at=1, step=number, attempt=1, message_id=message_id, parent_id=self.shown.head,
                model=self.header.model,
            ),
            *(e.BlockEnd(step=number, index=index, block=block) for index, block in enumerate(content)),
            e.StepEnd(
                at=1, step=number, attempt=1, model=self.header.model, stop_reason="end_turn", usage=Usage(),
                cost_nanodollars=0,
            ),
        )  # fmt: skip
        return message_id

    def results(self, number: int, *results: Block) -> None:
        self.write(
            e.MessageAdd(
                at=1,
                message_id=f"r{self.turns}.{number}",
                turn_id=f"t{self.turns}",
                content=results,
                parent_id=self.shown.head,
            )
        )

    def end(
        self, status: e.TurnStatus = "completed", *, steps: int = 1, partial: tuple[Block, ...] = ()
    ) -> None:
        turn = self.shown.turns[f"t{self.turns}"]
        kept = [message_id for step in turn.steps[:steps] for message_id in step]
        head = kept[-1] if kept else turn.message_id
        if partial:
            head = turn.steps[steps][0]
        self.write(
            e.TurnEnd(
                at=1, turn_id=turn.id, status=status, kept=e.Kept(steps=steps, blocks=partial), head=head
            )
        )

    def switch(self, model: str) -> None:
        self.write(e.SettingsChange(at=1, model=model))
        self.header = replace(self.header, model=model, settings_seq=self.seq)

    def move(self, message_id: str | None) -> None:
        self.write(e.HeadMove(at=1, message_id=message_id))

    def compact(self, after_message_id: str, summary: str = "They talked.") -> None:
        self.write(e.ContextCompact(at=1, after_message_id=after_message_id, summary=summary))
        self.compactions.append(Compaction(seq=self.seq, after_message_id=after_message_id, summary=summary))

    # What the API would say

    def _thought(self) -> Block:
        signature = f"signature-{len(self.signed)}"
        self.signed[signature] = _before_thinking(self.plan(), None)
        return {"type": "thinking", "thinking": "", "signature": signature}

    def check(self, plan: RequestPlan) -> None:
        """Raises what the API would say against the plan."""
        check(body(plan), models=MODELS, version="2026-10-21", betas="", counting=False)
        for message in plan.messages:
            for block in message["content"]:
                if block.get("type") in THINKING:
                    assert self.signed[block["signature"]] == _before_thinking(plan, block["signature"])


def body(plan: RequestPlan) -> dict[str, Any]:
    return {
        **plan.options,
        "model": plan.model,
        "max_tokens": plan.max_tokens,
        "system": list(plan.system),
        "tools": list(plan.tools),
        "messages": list(plan.messages),
    }


def spelled(plan: RequestPlan) -> list[str]:
    """The bytes of the prefix, block by block, without marks: what the cache compares."""
    parts: list[tuple[str, Block]] = [("tools", tool) for tool in plan.tools]
    parts += [("system", block) for block in plan.system]
    parts += [(message["role"], block) for message in plan.messages for block in message["content"]]
    return [
        json.dumps([part, {key: value for key, value in block.items() if key != "cache_control"}])
        for part, block in parts
    ]


def marks(plan: RequestPlan) -> list[int]:
    """Which blocks of the prefix are marked."""
    blocks = [*plan.tools, *plan.system, *(b for message in plan.messages for b in message["content"])]
    return [index for index, block in enumerate(blocks) if "cache_control" in block]


def _before_thinking(plan: RequestPlan, signature: str | None) -> str:
    """All that stands before a thinking block but other thinking; with None, all."""
    before = []
    for part in spelled(plan):
        if signature is not None and f'"{signature}"' in part:
            break
        if '"type": "thinking"' not in part:
            before.append(part)
    return "\n".join([plan.model, *before])
