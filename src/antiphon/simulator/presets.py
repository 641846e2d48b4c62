"""Outcomes that come up often, by name."""

from typing import Any

from antiphon.simulator.script import Block, Fail, Page, Reply


def tool_call(name: str, tool_input: dict[str, Any], *, text: str = "", call_id: str | None = None) -> Reply:
    """The model asks for a tool: `tool_call("weather", {"city": "Paris"})`."""
    call: Block = {"type": "tool_use", "name": name, "input": tool_input}
    if call_id is not None:
        call["id"] = call_id
    said: tuple[Block, ...] = ({"type": "text", "text": text},) if text else ()
    return Reply(content=(*said, call))


def cut_tool_call(name: str, partial_json: str) -> Reply:
    """`max_tokens` in the middle of a tool's input: `cut_tool_call("weather", '{"city": "Pa')`."""
    return Reply(
        content=({"type": "tool_use", "name": name, "input": partial_json},), stop_reason="max_tokens"
    )


def refusal(text: str = "", *, category: str | None = None, explanation: str | None = None) -> Reply:
    """The model declines: before any output, or after `text`."""
    said: tuple[Block, ...] = ({"type": "text", "text": text},) if text else ()
    details = {"type": "refusal", "category": category, "explanation": explanation}
    return Reply(content=said, stop_reason="refusal", stop_details=details)


def pause_turn(text: str = "Let me look that up.", query: str = "antiphon") -> Reply:
    """A server tool's loop is interrupted; the caller sends the content back to go on."""
    search: Block = {
        "type": "server_tool_use",
        "id": "srvtoolu_sim_000001",
        "name": "web_search",
        "input": {"query": query},
    }
    return Reply(content=({"type": "text", "text": text}, search), stop_reason="pause_turn")


def empty() -> Reply:
    """An answer without content."""
    return Reply(content=())


def spend_limit() -> Fail:
    """The organization's spend limit: a 429 that no retry helps."""
    message = "Your organization has reached its enforced spend limit."
    return Fail(status=429, error_code="enforced_spend_limit_reached", message=message)


def html_page(status: int = 502, title: str = "Bad Gateway") -> Page:
    """What a proxy on the way says, not the API."""
    body = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Page(status=status, body=body)
