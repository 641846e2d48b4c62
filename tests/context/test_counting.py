"""How many tokens a request can have at most: never less than it has, and not much more."""

from typing import Any

import pytest

from antiphon.context.counting import PER_BLOCK, PER_FEATURES, PER_REQUEST, most_tokens
from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan

TEXT = "Name a river."


def plan(tools: tuple[dict[str, Any], ...] = (), **options: Any) -> RequestPlan:
    return RequestPlan(
        model="claude-opus-5-5",
        max_tokens=200,
        system=(),
        messages=({"role": "user", "content": [text_block(TEXT)]},),
        tools=tools,
        options=options,
    )


BARE = PER_REQUEST + PER_BLOCK + len(TEXT)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"output_config": {"effort": "high"}},
        {"output_config": {"effort": "low"}, "thinking": {"type": "adaptive", "display": "summarized"}},
        {"stop_sequences": ["###"], "inference_geo": "us", "speed": "fast"},
    ],
)
def test_how_an_answer_is_made_is_no_part_of_the_prompt(options: dict[str, Any]) -> None:
    assert most_tokens(plan(**options)) == BARE


@pytest.mark.parametrize(
    "options",
    [
        {
            "output_config": {
                "effort": "high",
                "format": {"type": "json_schema", "schema": {"type": "object"}},
            }
        },
        {"tool_choice": {"type": "auto"}},
        {"something_new": True},
    ],
)
def test_what_may_be_said_to_the_model_counts(options: dict[str, Any]) -> None:
    assert (most_tokens(plan(**options)) or 0) > BARE + PER_FEATURES


def test_so_do_tools_with_all_their_bytes() -> None:
    tool = {"name": "f", "description": "x" * 300, "input_schema": {"type": "object"}}
    assert (most_tokens(plan((tool,), output_config={"effort": "high"})) or 0) > BARE + PER_FEATURES + 300


def test_of_a_document_nobody_knows() -> None:
    document = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    asked = RequestPlan(
        model="m", max_tokens=1, system=(), messages=({"role": "user", "content": [document]},), options={}
    )
    assert most_tokens(asked) is None
