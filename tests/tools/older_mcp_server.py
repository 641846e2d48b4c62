"""An MCP server of the protocol of 2025, without an SDK: one tool, and a second one after its first use."""

import json
import sys
from typing import Any

names = ["first"]

REFUSED = {
    "no_schema": {"type": "object", "properties": {"a": {"type": "nonesuch"}}},
    "no_name": {"type": "object", "properties": {"a name": {"type": "string"}}},
    "too_long": {"type": "object", "description": "x" * 100_000},
}
"""Tools that Claude would refuse, and with them every request."""


def answer(method: str, _: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "older", "version": "1"},
            }
        case "tools/list":
            schema = {"type": "object", "oneOf": [{}]}
            offered = [{"name": name, "inputSchema": schema} for name in names]
            return {"tools": [*offered, *({"name": name, "inputSchema": REFUSED[name]} for name in REFUSED)]}
        case "tools/call":
            names[:] = ["first", "second", "x" * 200]
            return {"content": [], "structuredContent": {"used": len(names)}}
        case _:
            raise LookupError(method)


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            said["result"] = answer(request["method"], request.get("params") or {})
        except LookupError:
            said["error"] = {"code": -32601, "message": "Method not found"}
        print(json.dumps(said), flush=True)  # noqa: T201 - that is how it speaks
        if request["method"] == "tools/call":
            print(  # noqa: T201
                json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), flush=True
            )


if __name__ == "__main__":
    main()
