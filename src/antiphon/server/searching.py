"""A search as `/v1` tells it: the messages that were found, and the conversations they are in."""

from typing import Any

from antiphon.domain.ids import is_id
from antiphon.errors import NotFound
from antiphon.server.reading import refusal
from antiphon.server.v1_answers import conversation_body, hit_body
from antiphon.service import LOCAL_PRINCIPAL, Service


async def found(service: Service, query: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """One page of hits. A conversation that was deleted meanwhile takes its hits along."""
    hits = await service.search(LOCAL_PRINCIPAL, query, before=_place(cursor), limit=limit + 1)
    page, more = hits[:limit], len(hits) > limit
    bodies = {}
    for conversation_id in dict.fromkeys(hit.conversation_id for hit in page):
        try:
            bodies[conversation_id] = conversation_body(await service.get(LOCAL_PRINCIPAL, conversation_id))
        except NotFound:
            continue
    return {
        "conversations": list(bodies.values()),
        "cursor": ".".join(map(str, page[-1].place)) if more else None,
        "hits": [hit_body(hit) for hit in page if hit.conversation_id in bodies],
    }


def _place(cursor: str | None) -> tuple[int, str, str] | None:
    if cursor is None:
        return None
    at, _, rest = cursor.partition(".")
    conversation_id, _, message_id = rest.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) <= 15 and is_id(conversation_id) and message_id):
        raise refusal([{"parameter": "cursor", "detail": "is not one that a page of this search gave"}])
    return int(at), conversation_id, message_id
