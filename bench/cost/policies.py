"""Ways of holding a long conversation. Each plans its requests with the package's own code."""

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from antiphon.context import summaries
from antiphon.context.compaction import (
    CompactionLimits,
    Decision,
    Nothing,
    Standing,
    SummariseCold,
    SummariseOnPrefix,
    decide_compaction,
)
from antiphon.context.estimate import plan_tokens
from antiphon.context.gaps import measured
from antiphon.context.lifetime import PING_S, Stakes, choose_lifetime, next_ping_s
from antiphon.context.plan import Limits, Request, after, plan_request
from antiphon.context.stakes import stakes_of
from antiphon.domain.conversations import Compaction
from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan
from antiphon.money.facts import ModelFacts
from antiphon.money.pricing import Lifetime
from bench.cost.history import History, body
from bench.cost.workload import Turn

SEARCH_TOOL = {
    "name": "search_history",
    "description": (
        "Search everything that was said in this conversation, also what is not shown to you any more. "
        "Returns the passages nearest to the query with their dates. Use it before you say that you do not "
        "know something that may have been said earlier."
    ),
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}

SHORTEST_SUMMARY = 80
SUMMARY_SHARE = 1 / 6
LONGEST_SUMMARY = 650
"""Tokens of a summary: 80 and a sixth of what it replaces, at most the 500 words that it is asked for. An
assumption: no model writes any here."""

BYTES = 4
DAY = date(2026, 11, 22)
"""Whose prices are used."""


def summary_tokens(replaced: int) -> int:
    return min(LONGEST_SUMMARY, SHORTEST_SUMMARY + round(replaced * SUMMARY_SHARE))


@dataclass
class Policy:
    """Full history, marked for five minutes."""

    name: ClassVar[str] = "full history, 5 m cache"
    facts: ModelFacts
    small: ModelFacts
    lifetime: Lifetime | None = "5m"
    searchable: ClassVar[bool] = False
    compaction: Compaction | None = None
    sent: RequestPlan | None = None

    def turn_begins(self, history: History) -> None:
        """After the person's message was added, before anything is sent."""

    def plan(self, history: History) -> RequestPlan:
        request = self.request(history)
        self.sent = plan_request(history.header, history.path, request, self.compaction)
        return self.sent

    def pause(self, history: History, turn: Turn) -> None:
        """While nobody writes, before `turn`."""

    def request(self, history: History) -> Request:
        tools = (*history.tools, SEARCH_TOOL) if self.searchable else history.tools
        return Request(model=self.facts.name, tools=tools, facts=self.facts, lifetime=self.lifetime)

    def summarise(self, history: History, after_message_id: str, replaced: int) -> None:
        """From here on a summary stands in place of what came before. Its request is the caller's to send."""
        text = history.words.text(summary_tokens(replaced) * BYTES)
        self.compaction = Compaction(seq=len(history.path), after_message_id=after_message_id, summary=text)


class Window(Policy):
    name = "the last ten turns"

    def request(self, history: History) -> Request:
        return replace(super().request(history), limits=Limits(max_history_turns=10))


class EveryTurn(Policy):
    """A small model folds each turn that leaves the last ten into the summary, at once."""

    name = "summary of all but ten turns, every turn"

    def turn_begins(self, history: History) -> None:
        begins = [i for i, p in enumerate(history.path) if p.message.content[0].get("type") != "tool_result"]
        begins = [i for i in begins if history.path[i].message.role == "user"]
        if len(begins) <= 10:
            return
        end = begins[-10]
        sent = after(history.path, self.compaction)
        cut = sent[: len(sent) - (len(history.path) - end)]
        replaced = 0
        for plan in summaries.cold(cut, self.compaction, self.small):
            history.aside(plan, summary_tokens(plan_tokens(plan)))
            replaced += plan_tokens(plan)
        self.summarise(history, history.path[end - 1].message.id, replaced)


@dataclass
class Ours(Policy):
    """What the package does by itself: both limits, and the lifetime by what the pauses were."""

    name: ClassVar[str] = "ours"
    searchable: ClassVar[bool] = True
    keepalive: ClassVar[bool] = False
    limits: CompactionLimits | None = None

    def turn_begins(self, history: History) -> None:
        match self.decide(history):
            case SummariseOnPrefix(after_message_id=after_id, request=asked):
                self._on_prefix(history, after_id, asked)
            case SummariseCold(after_message_id=after_id, requests=requests):
                self._cold(history, after_id, requests)
            case Nothing():
                pass
        self.lifetime = self._lifetime(history)

    def decide(self, history: History) -> Decision:
        return self.decision(history, history.standing(self.lifetime, self.compaction), self.limits)

    def summariser(self, standing: Standing) -> ModelFacts:
        """The model that is compared with the conversation's own, and reads raw text."""
        del standing
        return self.small

    def decision(self, history: History, standing: Standing, limits: CompactionLimits | None) -> Decision:
        request, estimates = self.request(history), history.estimates
        return decide_compaction(
            history.header,
            request,
            standing,
            estimates,
            small=self.summariser(standing),
            at=DAY,
            limits=limits,
        )

    def _on_prefix(self, history: History, after_id: str, asked: RequestPlan) -> None:
        replaced = plan_tokens(asked)
        text = (text_block(history.words.text(summary_tokens(replaced) * BYTES)),)
        history.request(asked, text)
        self.summarise(history, after_id, replaced)

    def _cold(self, history: History, after_id: str, requests: tuple[RequestPlan, ...]) -> None:
        replaced = 0
        for plan in requests:
            tokens = plan_tokens(plan)
            history.aside(plan, summary_tokens(tokens))
            replaced += tokens
        self.summarise(history, after_id, replaced)

    def _lifetime(self, history: History) -> Lifetime:
        if self.keepalive:
            return "5m"
        return choose_lifetime(measured(history.pauses), self.stakes(history))

    def stakes(self, history: History) -> Stakes:
        """What the next pause may cost: the prefix again, or a summary and what it leaves."""
        request, standing = self.request(history), history.standing(self.lifetime, self.compaction)
        return stakes_of(
            history.header,
            request,
            standing,
            history.estimates,
            prices=self.facts.prices(DAY, 0),
            small=self.small.prices(DAY, 0),
            turns=history.turns,
            limits=self.limits,
        )


class OursAlive(Ours):
    """The same, and the cache is kept alive while somebody is likely to come back."""

    name = "ours, with keep-alive"
    keepalive = True

    def pause(self, history: History, turn: Turn) -> None:
        if self.sent is None:
            return
        ends = history.now + turn.pause_s
        gaps, stakes, pinged = measured(history.pauses), self.stakes(history), 0
        since = history.renewed_at or 0.0
        while next_ping_s(gaps, stakes, pinged) is not None and since + PING_S < ends:
            since += PING_S
            spent = history.cache.account(body(self.sent), since)
            history.note(self.facts.name, spent, 0)
            pinged += 1
        history.renewed_at = since


class At150k(Ours):
    """As servers compact: the whole prefix by the conversation's own model, whenever it exceeds 150,000."""

    name = "compaction at 150k"
    searchable = False

    def decide(self, history: History) -> Decision:
        standing = replace(history.standing("5m", self.compaction), idle_s=0.0)
        return self.decision(history, standing, CompactionLimits(cold=150_000, warm=150_000))

    def summariser(self, standing: Standing) -> ModelFacts:
        del standing
        return self.facts

    def _lifetime(self, history: History) -> Lifetime:
        del history
        return "5m"


class OursOnPrefix(Ours):
    """A variant: a warm prefix is always summarised by the conversation's own model."""

    name = "ours, warm summaries by the own model"

    def summariser(self, standing: Standing) -> ModelFacts:
        return self.facts if standing.warm else self.small
