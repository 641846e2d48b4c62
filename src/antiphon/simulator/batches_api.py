"""The routes under `/v1/messages/batches`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from antiphon.simulator.batch_results import result_of
from antiphon.simulator.batches import EXPIRES_AFTER, Batch, checked_requests
from antiphon.simulator.errors import ApiError
from antiphon.simulator.http import HttpRequest
from antiphon.simulator.paging import Query, page_by_id
from antiphon.simulator.parts import Parts
from antiphon.simulator.shape import parsed


class BatchesApi:
    """Batches take as long as the simulator was told, by its clock, and are worked off when that is over."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._batches: dict[str, Batch] = {}
        self._count = 0

    def answer(self, request: HttpRequest, rest: Sequence[str], organization: str) -> bytes:
        """The body for a request to what stands behind `/v1/messages/batches`; results are lines of JSON.

        Raises:
            ApiError: 400, 404.
        """
        url, now = f"http://{request.headers.get('host', '')}", self._parts.clock()
        match request.method, rest:
            case "POST", []:
                value = self._create(request, organization, now).info(url, now)
            case "GET", []:
                batches = [each.info(url, now) for each in self._all_of(organization, now)]
                value = page_by_id(batches, Query(request.query))
            case "GET", [name]:
                value = self._get(name, organization, now).info(url, now)
            case "POST", [name, "cancel"]:
                value = self._cancel(self._get(name, organization, now), now).info(url, now)
            case "DELETE", [name]:
                value = self._delete(self._get(name, organization, now))
            case "GET", [name, "results"]:
                return _results(self._get(name, organization, now), now)
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")
        return msgspec.json.encode(value)

    def _create(self, request: HttpRequest, organization: str, now: float) -> Batch:
        requests = checked_requests(parsed(request.body))
        self._count += 1
        batch = Batch(
            id=f"msgbatch_sim_{self._count:06}",
            organization=organization,
            version=request.headers["anthropic-version"],
            betas=request.headers.get("anthropic-beta", ""),
            requests=requests,
            created_at=now,
        )
        self._batches[batch.id] = batch
        return batch

    def _all_of(self, organization: str, now: float) -> list[Batch]:
        """The newest first."""
        own = [batch for batch in self._batches.values() if batch.organization == organization]
        return [self._settled(batch, now) for batch in reversed(own)]

    def _get(self, name: str, organization: str, now: float) -> Batch:
        batch = self._batches.get(name)
        if batch is None or batch.organization != organization:
            raise ApiError(404, f"Message batch not found: {name}")
        return self._settled(batch, now)

    def _settled(self, batch: Batch, now: float) -> Batch:
        """It, with its results if it is over by now."""
        due = batch.created_at + min(self._parts.batch_seconds, EXPIRES_AFTER)
        if batch.ended_at is None and (now >= due or batch.cancelled_at is not None):
            batch.ended_at = now
            batch.results = [
                {"custom_id": each["custom_id"], "result": self._result(batch, each["params"])}
                for each in batch.requests
            ]
        return batch

    def _result(self, batch: Batch, params: dict[str, Any]) -> dict[str, Any]:
        if batch.cancelled_at is not None:
            return {"type": "canceled"}
        if self._parts.batch_seconds > EXPIRES_AFTER:
            return {"type": "expired"}
        return result_of(params, batch, self._parts)

    def _cancel(self, batch: Batch, now: float) -> Batch:
        if batch.ended_at is None:
            batch.cancelled_at = now
        return batch

    def _delete(self, batch: Batch) -> dict[str, Any]:
        if batch.ended_at is None:
            raise ApiError(400, "A message batch can only be deleted when it has ended: cancel it first.")
        del self._batches[batch.id]
        return {"type": "message_batch_deleted", "id": batch.id}


def _results(batch: Batch, now: float) -> bytes:
    if batch.ended_at is None:
        raise ApiError(404, f"Message batch {batch.id} has no results yet")
    if batch.is_archived(now):
        raise ApiError(404, f"The results of message batch {batch.id} are no longer available")
    return b"".join(msgspec.json.encode(line) + b"\n" for line in batch.results)
