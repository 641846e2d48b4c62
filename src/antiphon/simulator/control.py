"""What a test in another process does over HTTP: give a script, read and forget requests, end waits.

::

    POST   /simulator/script      a JSON list of outcomes; adds them
    DELETE /simulator/script      drops those not used yet
    GET    /simulator/requests    what arrived at the API, as a JSON list
    DELETE /simulator/requests    forgets it
    POST   /simulator/release     ends every stall and delay in progress

Pages of other sites that a browser shows cannot use these routes: they speak only to loopback names and to
clients that are no browser page.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from antiphon.simulator.errors import ApiError
from antiphon.simulator.http import Exchange, HttpRequest
from antiphon.simulator.playbook import Gate, Playbook
from antiphon.simulator.record import RequestLog
from antiphon.simulator.script import Outcome

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Control:
    def __init__(self, log: RequestLog, playbook: Playbook, gate: Gate) -> None:
        self._log = log
        self._playbook = playbook
        self._gate = gate

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
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")


def decoded_script(raw: bytes) -> list[Outcome]:
    try:
        return msgspec.json.decode(raw, type=list[Outcome])
    except msgspec.DecodeError as error:
        raise ApiError(400, f"This is not a script, so nothing of it was taken: {error}") from error


def _check_origin(headers: Mapping[str, str]) -> None:
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if "origin" in headers or host not in LOOPBACK_NAMES:
        raise ApiError(403, "The simulator takes scripts only from this machine and not from a web page.")
