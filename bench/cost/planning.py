"""How long planning a request of 10,000 messages takes, with and without a compaction, JSON apart."""

from time import process_time

from antiphon.context.compaction import Standing, context_tokens
from antiphon.context.estimate import TokenEstimates
from antiphon.context.plan import Request, plan_request
from antiphon.domain.conversations import Compaction, Header, PlacedMessage
from antiphon.domain.messages import Block, Message, Role, text_block
from antiphon.money.table import load_facts
from bench.cost.words import Words

MESSAGES = 10_000
KEPT = 100
"""Messages after the compaction."""
RUNS = 15


def long_path(messages: int = MESSAGES) -> list[PlacedMessage]:
    """Questions and answers, every tenth answer by a tool."""
    words, path = Words("planning"), list[PlacedMessage]()
    while len(path) < messages:
        turn: list[tuple[Role, Block]] = [("user", text_block(words.text(200)))]
        if len(path) % 20 == 0:
            use_id = f"toolu_{len(path)}"
            turn.append(("assistant", {"type": "tool_use", "id": use_id, "name": "f", "input": {"q": "x"}}))
            turn.append(("user", {"type": "tool_result", "tool_use_id": use_id, "content": words.text(600)}))
        turn.append(("assistant", text_block(words.text(600))))
        for role, block in turn:
            number = len(path) + 1
            message = Message(id=f"m{number}", parent_id=None, role=role, content=(block,), turn_id="t")
            path.append(PlacedMessage(seq=number, message=message))
    return path


def planning_ms(path: list[PlacedMessage], compaction: Compaction | None) -> float:
    """The median CPU milliseconds of a plan and its estimate, once the messages have been met."""
    facts = load_facts().get("claude-sonnet-5-5")
    header = Header(id="c", principal="p", created_at=0, updated_at=0, system="Be brief.")
    request, estimates = Request(model=facts.name, facts=facts), TokenEstimates()
    standing = Standing(path=path, compaction=compaction)
    context_tokens(header, request, standing, estimates)
    times = []
    for _ in range(RUNS):
        began = process_time()
        plan_request(header, path, request, compaction)
        context_tokens(header, request, standing, estimates)
        times.append(1000 * (process_time() - began))
    return sorted(times)[RUNS // 2]


def planning_times() -> str:
    path = long_path()
    cut = Compaction(seq=1, after_message_id=path[-KEPT - 1].message.id, summary="They talked.")
    return (
        "| planning a request for 10,000 messages | CPU ms, median |\n| --- | ---: |\n"
        f"| with a compaction {KEPT} messages ago | {planning_ms(path, cut):.1f} |\n"
        f"| without one | {planning_ms(path, None):.1f} |"
    )
