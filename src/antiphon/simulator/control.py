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

from collections.abc import Mapping
from typing import Any

import msgspec

from antiphon.simulator.errors import ApiError
from antiphon.simulator.http import Exchange, HttpRequest
from antiphon.simulator.clock import Clock
from antiphon.simulator.parts import Parts
from antiphon.simulator.script import Outcome

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Control:
    def __init__(self, parts: Parts) -> None:
        self._log = parts.log
        self._playbook = parts.playbook
        self._gate = parts.gate
        self._clock = parts.clock
        self._cache = parts.cache
        self._ledger = parts.ledger

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
        match request.method, request.path.removeprefix("/simulator/").strip("/"):
            case "POST", "script":
                outcomes = decoded_script(request.body)
                self._playbook.add(outcomes)
                return {"added": len(outcomes), "unused": len(self._playbook.unused())}
            case "DELETE", "script":
                self._playbook.clear()
                return {"unused": 0}
            case "GET", "requests":
                return self._log.snapshot()
            case "DELETE", "requests":
                self._log.clear()
                return {"requests": 0}
            case "POST", "release":
                self._gate.open()
                return {"released": True}
            case "GET", "bill":
                bill = self._ledger.bill()
                return {**msgspec.structs.asdict(bill), "dollars": f"{bill.dollars:f}"}
            case "DELETE", "bill":
                self._ledger.clear()
                return {"nano_dollars": 0}
            case "GET", "clock":
                return {"now": self._clock()}
            case "POST", "clock":
                return {"now": _advanced(self._clock, request.body)}
            case "DELETE", "cache":
                self._cache.clear()
                return {"entries": 0}
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    advance: float


def _advanced(clock: Clock, raw: bytes) -> float:
    try:
        return clock.advance(msgspec.json.decode(raw, type=_Advance).advance)
    except (msgspec.DecodeError, ValueError) as error:
        raise ApiError(400, f'The clock was left alone; send {{"advance": 300}}: {error}') from error


def decoded_script(raw: bytes) -> list[Outcome]:
    try:
        return msgspec.json.decode(raw, type=list[Outcome])
    except msgspec.DecodeError as error:
        raise ApiError(400, f"This is not a script, so nothing of it was taken: {error}") from error


def _check_origin(headers: Mapping[str, str]) -> None:
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if "origin" in headers or host not in LOOPBACK_NAMES:
        raise ApiError(403, "The simulator takes scripts only from this machine and not from a web page.")
