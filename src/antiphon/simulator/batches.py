"""Message batches: what was asked for together, and how far it is. Source: the Message Batches reference."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from antiphon.simulator.clock import rfc3339
from antiphon.simulator.errors import ApiError

MOST = 100_000
"""Requests in a batch."""

DAY = 24 * 3600.0
EXPIRES_AFTER = DAY
"""Seconds: what is not done by then is not done at all."""

ARCHIVED_AFTER = 29 * DAY

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

KINDS = ("succeeded", "errored", "canceled", "expired")


@dataclass(kw_only=True)
class Batch:
    id: str
    organization: str
    version: str
    betas: str
    requests: Sequence[Mapping[str, Any]]
    """Each a `custom_id` and the `params` of a message."""
    created_at: float
    cancelled_at: float | None = None
    ended_at: float | None = None
    results: list[dict[str, Any]] = field(default_factory=list)
    """One line each, once it has ended."""

    def is_archived(self, now: float) -> bool:
        return now >= self.created_at + ARCHIVED_AFTER

    def info(self, base_url: str, now: float) -> dict[str, Any]:
        """The JSON of `GET /v1/messages/batches/{id}`."""
        archived, ended = self.is_archived(now), self.ended_at is not None
        status = "ended" if ended else "in_progress" if self.cancelled_at is None else "canceling"
        counted = Counter(line["result"]["type"] for line in self.results)
        url = f"{base_url}/v1/messages/batches/{self.id}/results"
        return {
            "type": "message_batch",
            "id": self.id,
            "processing_status": status,
            "request_counts": {
                "processing": 0 if ended else len(self.requests),
                **{kind: counted[kind] for kind in KINDS},
            },
            "created_at": rfc3339(self.created_at),
            "expires_at": rfc3339(self.created_at + EXPIRES_AFTER),
            "ended_at": _written(self.ended_at),
            "cancel_initiated_at": _written(self.cancelled_at),
            "archived_at": rfc3339(self.created_at + ARCHIVED_AFTER) if archived else None,
            "results_url": url if ended and not archived else None,
        }


def _written(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def checked_requests(body: Any) -> Sequence[Mapping[str, Any]]:
    """The requests of a batch.

    Raises:
        ApiError: 400: it has none or too many, or their ids cannot be used. What is wrong with the messages
            themselves is told by their results.
    """
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise ApiError(400, "requests: Field required, a list of at least one request")
    if len(requests) > MOST:
        raise ApiError(400, f"requests: a batch has at most {MOST} requests")
    seen: set[str] = set()
    for index, each in enumerate(requests):
        match each:
            case {"custom_id": str(custom_id), "params": dict()} if CUSTOM_ID.fullmatch(custom_id):
                if custom_id in seen:
                    raise ApiError(400, f"requests.{index}.custom_id: {custom_id!r} is not unique")
                seen.add(custom_id)
            case _:
                raise ApiError(
                    400,
                    f"requests.{index}: needs `params` and a `custom_id` of 1 to 64 letters, digits, _ or -",
                )
    return requests
