"""What the tools that Claude runs itself are assumed to cost: held before a request, as they have no bound.

Each use is assumed to bring `RESULT_TOKENS` of result, which is written once and read again, with the whole
prompt, by each use after it. Where a use brings more, the request may cost more than was held; what it did
cost is charged by its usage all the same.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from antiphon.money.facts import ModelFacts
from antiphon.money.pricing import PICODOLLARS_PER_NANODOLLAR

RESULT_TOKENS: Mapping[str, int] = {"web_search": 15_000, "web_fetch": 25_000, "code_execution": 5_000}
"""A search brings excerpts of some ten pages; a page may be longer, unless `max_content_tokens` cuts it."""
USES = 5
"""Of a tool that the API gives no limit to."""


def assumed_nanodollars(
    facts: ModelFacts, tools: Sequence[Mapping[str, Any]], prompt_tokens: int, at: date, multiplier: Fraction
) -> int:
    """What the server tools among `tools` (wire dicts) may add to a request with that long a prompt.

    `multiplier` is what the tokens' prices are multiplied by; fees are not.
    """
    uses = [(tool, _uses(tool)) for tool in tools if tool.get("name") in RESULT_TOKENS and "type" in tool]
    brought = sum(count * _result_tokens(tool) for tool, count in uses)
    if not brought:
        return 0
    prices = facts.dearest(at, prompt_tokens + brought)
    read_again = sum(count for _, count in uses) * (prompt_tokens + brought)
    fees = sum(count * facts.terms.web_search for tool, count in uses if tool["name"] == "web_search")
    tokens = brought * prices.dearest_input + read_again * prices.read
    return math.ceil((tokens * multiplier + fees) / PICODOLLARS_PER_NANODOLLAR)


def _uses(tool: Mapping[str, Any]) -> int:
    return int(tool.get("max_uses") or USES)


def _result_tokens(tool: Mapping[str, Any]) -> int:
    return int(tool.get("max_content_tokens") or RESULT_TOKENS[tool["name"]])
