"""Where a request is marked for the cache, and that its prefix stands still from turn to turn."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.context.breakpoints import LOOK_BACK, with_breakpoints
from antiphon.context.plan import Request, plan_request
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.messages import Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.money.table import load_facts
from tests.context.grown import body, marks, spelled
from tests.context.histories import EVERYDAY_PATHS, MODEL, MODELS, PATHS, asks, header, placed

from antiphon.simulator.validate import check  # isort: skip

unhurried = settings(deadline=None)  # the machine may be busy

FACTS = load_facts().get(MODEL)
TOOLS = ({"name": "f", "input_schema": {"type": "object"}}, {"name": "g", "input_schema": {"type": "object"}})
THOUGHT = {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}


def planned(path: list[PlacedMessage], **changes: Any) -> RequestPlan:
    asked: dict[str, Any] = {"model": MODEL, "tools": TOOLS, "facts": FACTS, **changes}
    return plan_request(header(), path, Request(**asked))


def marked(plan: RequestPlan) -> list[Block]:
    blocks = [*plan.tools, *plan.system, *(b for message in plan.messages for b in message["content"])]
    return [blocks[index] for index in marks(plan)]


def exchanges(count: int, first: int = 1) -> list[PlacedMessage]:
    path: list[PlacedMessage] = []
    for seq in range(first, first + 2 * count, 2):
        path += [asks(f"Question {seq}", seq), placed(seq + 1, "assistant", text_block(f"Answer {seq}"))]
    return path


def test_the_last_tool_the_system_prompt_and_the_newest_words_are_marked() -> None:
    plan = planned([*exchanges(2), asks(seq=5)])
    assert [block.get("name", block.get("text")) for block in marked(plan)] == ["g", "Be brief.", "And now?"]
    assert all(block["cache_control"] == {"type": "ephemeral"} for block in marked(plan))


def test_an_hour_is_said_everywhere_for_it_must_come_first() -> None:
    plan = planned([asks()], lifetime="1h")
    assert [block["cache_control"].get("ttl") for block in marked(plan)] == ["1h"] * 3


def test_tools_may_live_longer_than_the_conversation_and_never_shorter() -> None:
    bare = planned([asks()], lifetime=None)
    longer, shorter = with_breakpoints(bare, "5m", head="1h"), with_breakpoints(bare, "1h", head="5m")
    assert [block["cache_control"].get("ttl") for block in marked(longer)] == ["1h", "1h", None]
    assert [block["cache_control"].get("ttl") for block in marked(shorter)] == ["1h", "1h", "1h"]


def test_a_long_tool_turn_is_found_again_by_a_mark_at_the_end_of_the_last_request() -> None:
    many = [text_block(f"Part {n}") for n in range(LOOK_BACK + 1)]
    path = [asks("First.", 1), placed(2, "assistant", *many), asks("And now?", 3)]
    assert [block.get("text") for block in marked(planned(path))][2:] == ["First.", "And now?"]


def test_tool_uses_at_once_are_one_step_of_the_look_back() -> None:
    uses = [{"type": "tool_use", "id": f"toolu_{n}", "name": "f", "input": {}} for n in range(30)]
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "Rain."} for use in uses]
    path = [asks("First.", 1), placed(2, "assistant", *uses), placed(3, "user", *results)]
    assert [block.get("type") for block in marked(planned(path))][2:] == ["tool_result"]


def test_thinking_is_never_marked() -> None:
    path = [asks("First.", 1), placed(2, "assistant", text_block("Well."), THOUGHT, text_block("So."))]
    assert all(block["type"] == "text" for block in marked(planned([*path, asks(seq=3)]))[1:])


def test_marks_of_a_persons_own_blocks_are_not_sent_so_that_there_are_never_more_than_four() -> None:
    own = {**text_block("Mine."), "cache_control": {"type": "ephemeral"}}
    path = [placed(seq, "user", own, own) for seq in range(1, 6)]
    assert len(marked(planned(path, options={"cache_control": {"type": "ephemeral"}}))) == 3


def test_a_model_that_costs_nothing_is_sent_no_marks() -> None:
    free = load_facts().with_added({"mine": {"free": True}}).get("mine")
    plan = planned([asks()], model="mine", facts=free)
    assert (marks(plan), plan.options) == ([], {})


def test_without_facts_of_the_model_nothing_is_added() -> None:
    assert marks(plan_request(header(), [asks()], Request(model=MODEL, tools=TOOLS))) == []


@unhurried
@given(PATHS, st.sampled_from(["5m", "1h"]))
def test_whatever_the_history_the_marks_are_valid(path: list[PlacedMessage], lifetime: Any) -> None:
    plan = planned(path, lifetime=lifetime)
    assert len(marks(plan)) <= 4
    check(body(plan), models=MODELS, version="2026-10-21", betas="", counting=False)


@unhurried
@given(EVERYDAY_PATHS)
def test_each_request_begins_with_the_bytes_that_the_last_one_marked(path: list[PlacedMessage]) -> None:
    """So the cache entry of one request is read by the next, wherever the marks stand then."""
    ends = [end for end, last in enumerate(path, 1) if last.message.role == "user" and _visible(last)]
    plans = [planned(path[:end]) for end in ends]
    for earlier, later in pairwise(plans):
        upto = marks(earlier)[-1] + 1
        assert spelled(later)[:upto] == spelled(earlier)[:upto]


def _visible(message: PlacedMessage) -> bool:
    return any(block.get("text", ".").strip() for block in message.message.content)


def test_blocks_without_a_mark_stay_the_same_objects() -> None:
    path = [*exchanges(3), asks(seq=7)]
    sent = [block for message in planned(path).messages for block in message["content"]]
    assert all(sent[index] is path[index].message.content[0] for index in range(6))
