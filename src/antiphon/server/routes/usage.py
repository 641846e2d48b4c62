"""`/v1/usage`: what was spent, and what is left."""

from datetime import date
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from antiphon.money.ledger import Dimension, UsageQuery
from antiphon.server import problems
from antiphon.server.answers import UsageBody
from antiphon.server.reading import refusal
from antiphon.server.routes.conversations import json_response
from antiphon.server.served import Served
from antiphon.server.v1_bodies import UUID
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.service.spending import beginning, dimensions, ending, report_body

router = APIRouter(prefix="/v1", responses=problems.DOCUMENTATION)

OWN = ("day", "model", "purpose", "conversation")
Day: TypeAlias = Annotated[
    str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"})
]


class SumBody(BaseModel):
    """The sum of some requests. An amount is US dollars as a decimal number."""

    day: str | None = Field(None, description="Of UTC. This and the next three only if asked for.")
    model: str | None = None
    purpose: str | None = Field(None, description="answer, summary, title, routing, keep-alive or eval.")
    conversation: str | None = None
    requests: int
    usage: UsageBody
    cost_usd: str = Field(description="All of it; an open request costs what is held for it.")
    saved_usd: str = Field(description="What the same requests would have cost more without a cache.")
    open_usd: str = Field(description="The part that is held for requests that have not ended.")
    unsettled_usd: str = Field(description="The part that is a bound: open, or of usage that never came.")


class StandingBody(BaseModel):
    """A budget in force. `left_usd` is null where each request, or each conversation, has its own."""

    budget: str = Field(description="Its scope and period, as in principal/day.")
    usd: str
    left_usd: str | None
    resets_at: str | None = Field(description="When its next period begins; null if it has none.")


class ReportBody(BaseModel):
    by: list[str]
    rows: list[SumBody]
    total: SumBody
    budgets: list[StandingBody]


@router.get("/usage", response_model=ReportBody)
async def usage(
    service: Served,
    by: Annotated[
        str,
        Query(
            description="What to sum by, with commas between.",
            json_schema_extra={"pattern": rf"^({'|'.join(OWN)})(,({'|'.join(OWN)}))*$"},
        ),
    ] = "day,model",
    since: Day = None,
    until: Day = None,
    conversation: Annotated[str | None, Query(pattern=rf"^{UUID}$")] = None,
) -> Response:
    """What your requests used and cost, from the day `since` to the day `until` (UTC), and what is left."""
    first, last = _day("since", since), _day("until", until)
    query = UsageQuery(
        principal=LOCAL_PRINCIPAL,
        conversation_id=conversation,
        since=beginning(first) if first else 0,
        until=ending(last) if last else None,
        by=_dimensions(by),
    )
    rows = await service.usage(query)
    budgets = await service.standings(LOCAL_PRINCIPAL, conversation)
    return json_response(report_body(query.by, rows, budgets))


def _dimensions(by: str) -> tuple[Dimension, ...]:
    """Raises InvalidRequest. By principal is not for one of them to ask."""
    if not set(by.split(",")) <= set(OWN):
        wanted = f"must be {', '.join(OWN[:-1])} or {OWN[-1]}, or several with commas between them"
        raise refusal([{"parameter": "by", "detail": wanted}])
    return dimensions(by)


def _day(name: str, text: str | None) -> date | None:
    """Raises InvalidRequest."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise refusal([{"parameter": name, "detail": "must be a day, such as 2026-11-30"}]) from None
