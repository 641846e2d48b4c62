"""What a test in another process does over HTTP: give a script, read and forget requests, end waits.

::

    POST   /simulator/script      a JSON list of outcomes; adds them
    DELETE /simulator/script      drops those not used yet
    GET    /simulator/requests    what arrived at the API, as a JSON list
    DELETE /simulator/requests    forgets it
    POST   /simulator/release     ends every stall and delay in progress
    GET    /simulator/bill        what was charged: the sums, and the last charges
    DELETE /simulator/bill        begins a new bill
    GET    /simulator/clock       what time it is
    POST   /simulator/clock       {"advance": 300} lets that many seconds pass at once
    DELETE /simulator/cache       empties the prompt cache

Pages of other sites that a browser shows cannot use these routes: they speak only to loopback names and to
clients that are no browser page.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from antiphon.simulator.errors import ApiError
from antiphon.simulator.http import Exchange, HttpRequest
from antiphon.simulator.parts import Parts
from antiphon.simulator.script import Outcome

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Control:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._acts: Mapping[tuple[str, str], Callable[[bytes], Any]] = {
            ("POST", "script"): self._add_to_script,
            ("DELETE", "script"): self._clear_script,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._clear_requests,
            ("POST", "release"): self._release,
            ("GET", "bill"): self._bill,
            ("DELETE", "bill"): self._clear_bill,
            ("GET", "clock"): self._now,
            ("POST", "clock"): self._advance,
            ("DELETE", "cache"): self._clear_cache,
        }

    async def handle(self, request: HttpRequest, exchange: Exchange) -> None:
        headers = {"content-type": "application/json"}
        try:
            _check_origin(request.headers)
            value = self._act(request)
        except ApiError as error:
            await exchange.respond(error.status, headers, error.body("req_simulator"))
        else:
            await exchange.respond(200, headers, msgspec.json.encode(value))

    def _act(self, request: HttpRequest) -> Any:
        name = request.path.removeprefix("/simulator/").strip("/")
        act = self._acts.get((request.method, name))
        if act is None:
            raise ApiError(404, f"Not found: {request.method} {request.path}")
        return act(request.body)

    def _add_to_script(self, raw: bytes) -> Any:
        outcomes = decoded_script(raw)
        self._parts.playbook.add(outcomes)
        return {"added": len(outcomes), "unused": len(self._parts.playbook.unused())}

    def _clear_script(self, _: bytes) -> Any:
        self._parts.playbook.clear()
        return {"unused": 0}

    def _requests(self, _: bytes) -> Any:
        return self._parts.log.snapshot()

    def _clear_requests(self, _: bytes) -> Any:
        self._parts.log.clear()
        return {"requests": 0}

    def _release(self, _: bytes) -> Any:
        self._parts.gate.open()
        return {"released": True}

    def _bill(self, _: bytes) -> Any:
        bill = self._parts.ledger.bill()
        return {**msgspec.structs.asdict(bill), "dollars": f"{bill.dollars:f}"}

    def _clear_bill(self, _: bytes) -> Any:
        self._parts.ledger.clear()
        return {"nano_dollars": 0}

    def _now(self, _: bytes) -> Any:
        return {"now": self._parts.clock()}

    def _advance(self, raw: bytes) -> Any:
        try:
            return {"now": self._parts.clock.advance(msgspec.json.decode(raw, type=_Advance).advance)}
        except (msgspec.DecodeError, ValueError) as error:
            raise ApiError(400, f'The clock was left alone; send {{"advance": 300}}: {error}') from error

    def _clear_cache(self, _: bytes) -> Any:
        self._parts.cache.clear()
        return {"entries": 0}


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    advance: float


def decoded_script(raw: bytes) -> list[Outcome]:
    try:
        return msgspec.json.decode(raw, type=list[Outcome])
    except msgspec.DecodeError as error:
        raise ApiError(400, f"This is not a script, so nothing of it was taken: {error}") from error


def _check_origin(headers: Mapping[str, str]) -> None:
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if "origin" in headers or host not in LOOPBACK_NAMES:
        raise ApiError(403, "The simulator takes scripts only from this machine and not from a web page.")
