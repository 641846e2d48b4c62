"""A conversation of a golden log whose turn waits for approvals, in the place of the server's."""

import json
import re
import time
from typing import Any

from playwright.sync_api import Page, Route

from tests.golden.form import FOLDER, load

ID = "01a203e4-f45d-75fb-a607-56006653dabb"


class Waiting:
    """A conversation whose turn waits for approvals; tabs that follow it are told of each decision."""

    def __init__(self, page: Page, log: str) -> None:
        golden = load(FOLDER / f"{log}.json")
        self.state = golden.state
        self.frames: list[tuple[int, str, dict[str, Any]]] = []
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.beaten = False
        """Whether somebody else always decides a moment before: they deny it."""
        self.expire_in(hours=23)
        page.route(re.compile(rf"/v1/conversations/{ID}$"), self._snapshot)
        page.route("**/events", self._events)
        page.route("**/v1/approvals/*", self._hear)

    def expire_in(self, *, hours: float) -> None:
        for turn in self.state["turns"].values():
            for approval in turn["approvals"]:
                approval["expires_at"] = (time.time() + hours * 3600 + 1) * 1000

    def decided(self, approval: str, decision: str, **how: Any) -> None:
        data = {"v": 1, "approval_id": approval, "decision": decision, "input": None, "reason": "", **how}
        self.frames.append((self.state["seq"] + 1 + len(self.frames), "approval_resolve", data))

    def _snapshot(self, route: Route) -> None:
        route.fulfill(json={"id": ID, "as_of_seq": self.state["seq"], "state": self.state})

    def _events(self, route: Route) -> None:
        after = int(route.request.headers["last-event-id"])
        text = "".join(
            f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
            for seq, kind, data in self.frames
            if seq > after
        )
        route.fulfill(body=text or ": ping\n\n", content_type="text/event-stream")

    def _hear(self, route: Route) -> None:
        approval = route.request.url.rpartition("/")[2]
        said: dict[str, Any] = json.loads(route.request.post_data or "")
        self.said.append((approval, said))
        if self.beaten:
            self.decided(approval, "deny", by="local")
            problem = {"type": "/problems/conflict", "title": "", "status": 409, "detail": "It is decided."}
            route.fulfill(status=409, json=problem)
            return
        self.decided(approval, said["decision"], reason=said.get("reason", ""), by="local")
        route.fulfill(json={})
