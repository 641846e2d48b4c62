"""A program that may spend so much and no more."""

from decimal import Decimal
from pathlib import Path

import pytest

from antiphon import Chat, InvalidRequest, OverBudget
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'chats.db'}"


def talk(chat: Chat) -> None:
    for number in range(100):
        chat.send(f"Message {number}, please.")


def test_a_chat_stops_at_its_budget_and_its_history_stays(simulator: Simulator, store: str) -> None:
    with Chat(store=store, budget="0.004", max_tokens=100, session_id="b") as chat:
        with pytest.raises(OverBudget) as stopped:
            talk(chat)
        assert stopped.value.facts["budget"] == "conversation/total"
        assert Decimal(stopped.value.facts["left_usd"]) > 0
        assert stopped.value.facts["resets_at"] is None
        history = chat.history()
        stats = chat.stats()
        with pytest.raises(OverBudget):
            list(chat.stream("And more?"))
        assert chat.history() == history
    assert [message["role"] for message in history] == ["user", "assistant"] * (len(history) // 2)
    assert stats.cost_usd == simulator.bill.dollars <= Decimal("0.004")
    assert stats.turns == len(history) // 2 + 1
    if store != "memory://":
        with Chat(store=store, session_id="b") as chat:
            assert chat.send("Go on.").text
            assert len(simulator.requests[-1].body["messages"]) == len(history) + 1


def test_stats_come_from_the_ledger(simulator: Simulator, store: str) -> None:
    usage = {"input_tokens": 100, "cache_read_input_tokens": 300, "output_tokens": 10}
    simulator.script(Reply(usage=usage))
    with Chat(store=store, budget=0.5) as chat:
        reply = chat.send("Hello.")
        stats = chat.stats()
    assert (stats.cost_usd, stats.saved_usd) == (reply.cost_usd, Decimal("0.00057"))
    assert stats.cache_hit_ratio == 0.75


def send_many(chat: Chat) -> None:
    for number in range(100):
        chat.send(f"Message {number}, please.")


@pytest.mark.parametrize("budget", ["free", -1, float("nan")])
def test_a_budget_is_an_amount_of_money(simulator: Simulator, budget: str | float) -> None:
    with pytest.raises(InvalidRequest, match="amount in USD"):
        Chat(budget=budget)
