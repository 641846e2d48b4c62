"""Whether the process is up, whether it can serve, and who answers."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from antiphon.server import problems
from antiphon.server.about import about
from antiphon.server.served import Served
from antiphon.service import LOCAL_PRINCIPAL

router = APIRouter()


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@router.get("/readyz", responses=problems.DOCUMENTATION)
async def ready(service: Served) -> dict[str, str]:
    """The store answers; if not, 503."""
    await service.recent(LOCAL_PRINCIPAL, limit=1)
    return {"status": "ready"}


@router.get("/about")
async def who_answers(request: Request) -> dict[str, Any]:
    """The model that answers, and what a person should know of it."""
    return asdict(about(request.app.state.settings, request.app.state.local))
