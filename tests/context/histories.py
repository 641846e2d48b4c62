"""Histories to plan from: any at all, and those that conversations leave."""

from typing import Any

from hypothesis import strategies as st

from antiphon.context.plan import Limits, Request
from antiphon.domain.conversations import Header, PlacedMessage
from antiphon.domain.messages import Block, Message, Role, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.simulator.models import catalogue
from antiphon.simulator.validate import check

MODEL = "claude-sonnet-5-5"
MODELS = catalogue()

USER: Role = "user"
ASSISTANT: Role = "assistant"

IDS = st.sampled_from([f"toolu_{n}" for n in range(4)])
TEXTS = st.builds(text_block, st.sampled_from(["Hello.", "Hm, 你好", "", " \n", "…"])) | st.just({"a": 1})
THINKING = st.sampled_from(
    [
        {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
    ]
)
USES = st.builds(lambda id_: {"type": "tool_use", "id": id_, "name": "f", "input": {"a": 1}}, IDS)
BROKEN_USES = st.builds(
    lambda use, ours: {**use, "input": {}, ours: '{"a": '},
    USES,
    st.sampled_from(["invalid_json", "partial_json"]),
)
ODD_USES = st.builds(lambda use, given: {**use, "input": given}, USES, st.sampled_from([None, "x", [1]]))
RESULTS = st.builds(
    lambda id_, content: {"type": "tool_result", "tool_use_id": id_, "content": content},
    IDS,
    st.lists(TEXTS, max_size=2) | st.just("Rain."),
)
BLOCKS = st.one_of(TEXTS, THINKING, USES, BROKEN_USES, ODD_USES, RESULTS)


def placed(seq: int, role: Role, *content: Block) -> PlacedMessage:
    message = Message(id=f"m{seq}", parent_id=None, role=role, content=content, turn_id=f"t{seq}")
    return PlacedMessage(seq=seq, message=message)


def asks(text: str = "And now?", seq: int = 1) -> PlacedMessage:
    return placed(seq, "user", text_block(text))


def _path(said: list[tuple[Role, list[Block]]]) -> list[PlacedMessage]:
    path = [placed(seq, role, *content) for seq, (role, content) in enumerate(said, 1)]
    return [*path, asks(seq=len(path) + 1)]


PATHS = st.lists(
    st.tuples(st.sampled_from([USER, ASSISTANT]), st.lists(BLOCKS, max_size=4)), max_size=10
).map(_path)
"""Any messages in any order, and at last a person's: also what no conversation of ours would hold."""

_ASKING = st.tuples(st.just(USER), st.lists(TEXTS | RESULTS, max_size=4))
_ANSWERING = st.tuples(
    st.just(ASSISTANT), st.lists(TEXTS | THINKING | USES | BROKEN_USES | ODD_USES, max_size=4)
)
EVERYDAY_PATHS = st.lists(_ASKING | _ANSWERING, max_size=10).map(_path)
"""Blocks only where the API gives or takes them."""


def header(**settings: Any) -> Header:
    given: dict[str, Any] = {"system": "Be brief.", **settings}
    return Header(id="c1", principal="local", created_at=1, updated_at=1, **given)


def request(turns: int | None = None, **options: Any) -> Request:
    return Request(model=MODEL, options=options, limits=Limits(max_history_turns=turns))


def check_with_the_api(plan: RequestPlan) -> None:
    """Raises what the Messages API would say against it."""
    body = {"model": plan.model, "max_tokens": plan.max_tokens, "messages": list(plan.messages)}
    check(
        {**body, "system": list(plan.system)}, models=MODELS, version="2026-10-21", betas="", counting=False
    )


def kinds(plan: RequestPlan) -> list[tuple[str, list[str]]]:
    """The plan's messages as roles and types of blocks."""
    return [(sent["role"], [block["type"] for block in sent["content"]]) for sent in plan.messages]


def blocks(plan: RequestPlan) -> list[Block]:
    return [block for sent in plan.messages for block in sent["content"]]
