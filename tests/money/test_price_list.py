"""The data file: complete, coherent, and in agreement with what the SDK says of the same models."""

import subprocess
import sys
import tomllib
from datetime import date
from importlib.resources import files
from typing import Any, get_args

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS
from anthropic.types.model import Model

from antiphon.money.facts import EFFORTS, Prices
from antiphon.money.table import ModelTable, load_facts

NAMES = load_facts().names()
RAW: dict[str, Any] = tomllib.loads(files("antiphon.money").joinpath("prices.toml").read_text())["model"]

RETIRED_WITHOUT_PRICE = {"claude-mythos-preview"}


@pytest.mark.parametrize("name", NAMES)
def test_every_model_states_every_field(name: str) -> None:
    always = {"in", "out", "write5m", "write1h", "read", "context", "max_out", "min_cache"}
    always |= {"thinking", "thinking_default", "effort", "forced_tool_choice", "structured"}
    assert always <= RAW[name].keys()
    assert ("effort_default" in RAW[name]) == bool(RAW[name]["effort"])


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_coherent(table: ModelTable, name: str) -> None:
    facts = table.get(name)
    assert facts.name == name
    assert 0 < facts.max_out < facts.context
    assert facts.thinking_default in facts.thinking
    assert list(facts.efforts) == [effort for effort in EFFORTS if effort in facts.efforts]
    assert facts.effort_default is None or facts.effort_default in facts.efforts
    assert facts.thinking_up_to.keys() <= set(facts.thinking)
    assert facts.fast_until is None or facts.fast
    assert not facts.free


@pytest.mark.parametrize("name", NAMES)
def test_prices_keep_the_ratios_of_the_price_list(table: ModelTable, name: str) -> None:
    for row in table.get(name).rows:
        prices = row.prices
        assert prices.write_5m * 4 == prices.input * 5
        assert prices.write_1h == prices.input * 2
        assert prices.input // prices.read in (10, 20, 40)
        assert prices.input % prices.read == 0


def test_every_model_that_the_sdk_names_has_a_price(table: ModelTable) -> None:
    literal = get_args(Model)[0]
    named = {name for name in get_args(literal) if name not in RETIRED_WITHOUT_PRICE}
    assert len(named) >= len(NAMES)
    assert {name for name in named if table.find(name) is None} == set()


def test_retirement_dates_are_those_that_the_sdk_warns_of(table: ModelTable) -> None:
    retiring = {name: table.get(name).retires for name in NAMES if table.get(name).retires}
    assert retiring == {"claude-sonnet-4-5": date(2026, 11, 30)}
    assert {name for name in DEPRECATED_MODELS if table.find(name)} == {
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
    }
    assert DEPRECATED_MODELS["claude-sonnet-4-5"] == "November 30th, 2026"


def test_a_snapshot_name_is_the_same_model(table: ModelTable) -> None:
    assert table.get("claude-haiku-4-5-20251001") is table.get("claude-haiku-4-5")
    assert "claude-haiku-4-5-20251001" not in table.names()


@pytest.mark.parametrize("version", ["5", "5-1", "5-2"])
def test_mythos_is_fable_under_another_name(table: ModelTable, version: str) -> None:
    fable, mythos = RAW[f"claude-fable-{version}"], RAW[f"claude-mythos-{version}"]
    assert mythos == fable


def test_reads_of_sonnet_5_5_cost_half_since_october(table: ModelTable) -> None:
    facts = table.get("claude-sonnet-5-5")
    before, since = facts.prices(date(2026, 10, 6), 1000), facts.prices(date(2026, 10, 7), 1000)
    assert (before.read, since.read) == (200_000, 100_000)
    assert before.input == since.input == 2_000_000


def test_haiku_5_5_costs_five_times_as_much_above_a_hundred_thousand_tokens(
    table: ModelTable, today: date
) -> None:
    facts = table.get("claude-haiku-5-5")
    below = Prices(input=100_000, output=500_000, write_5m=125_000, write_1h=200_000, read=10_000)
    above = Prices(input=500_000, output=2_500_000, write_5m=625_000, write_1h=1_000_000, read=50_000)
    assert facts.prices(today, 100_000) == below
    assert facts.prices(today, 100_001) == above


def test_fast_mode_leaves_opus_4_8_on_the_last_of_november(table: ModelTable) -> None:
    facts = table.get("claude-opus-4-8")
    assert facts.fast_on_offer(date(2026, 11, 29))
    assert not facts.fast_on_offer(date(2026, 11, 30))
    assert table.get("claude-opus-5-5").fast_on_offer(date(2027, 11, 30))
    assert not table.get("claude-sonnet-5-5").fast_on_offer(date(2026, 11, 22))


def test_some_thinking_types_end_at_an_effort(table: ModelTable) -> None:
    haiku = table.get("claude-haiku-5-5")
    assert haiku.accepts_thinking("disabled")
    assert haiku.accepts_thinking("disabled", "high")
    assert not haiku.accepts_thinking("disabled", "xhigh")
    assert haiku.accepts_thinking("adaptive", "max")
    assert not haiku.accepts_thinking("enabled")
    assert table.get("claude-haiku-4-5").accepts_thinking("enabled")
    assert not table.get("claude-sonnet-5-5").accepts_thinking("between_tools", "max")


def test_forced_tool_choice_is_known_per_model(table: ModelTable) -> None:
    refusing = {name for name in NAMES if not table.get(name).forced_tool_choice}
    assert {"claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-fable-5-2"} < refusing
    assert not refusing & {"claude-opus-5", "claude-haiku-4-5", "claude-fable-5"}


def test_importing_reads_no_file_of_ours() -> None:
    script = """
import sys
sys.addaudithook(lambda event, args: event == "open" and "prices.toml" in str(args[0]) and sys.exit(9))
import antiphon.money.pricing, antiphon.money.table
print("imported")
antiphon.money.table.load_facts()
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.stdout.strip(), run.returncode) == ("imported", 9)
