"""Outcomes that come up often, by name."""

from typing import Any

from antiphon.simulator.script import Block, Fail, Page, Reply


def tool_call(
    name: str, tool_input: dict[str, Any], *, text: str = "", call_id: str | None = None, **how: Any
) -> Reply:
    """The model asks for a tool: `tool_call("weather", {"city": "Paris"})`; `how` is what `Reply` takes."""
    call: Block = {"type": "tool_use", "name": name, "input": tool_input}
    if call_id is not None:
        call["id"] = call_id
    said: tuple[Block, ...] = ({"type": "text", "text": text},) if text else ()
    return Reply(content=(*said, call), **how)


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
    content = ({"type": "text", "text": text}, _use("web_search", {"query": query}))
    return Reply(content=content, stop_reason="pause_turn")


def context_window_exceeded(text: str = "So far and no") -> Reply:
    """The answer ends where the context window does."""
    return Reply(text=text, stop_reason="model_context_window_exceeded")


def web_search(query: str, text: str, *, url: str = "https://example.com/", title: str = "Example") -> Reply:
    """Claude searches the web, finds one page and cites it: usage counts the search."""
    page = {"type": "web_search_result", "url": url, "title": title, "page_age": None}
    found = {**page, "encrypted_content": "c2ltdWxhdGVk"}
    citation = {
        "type": "web_search_result_location",
        "url": url,
        "title": title,
        "cited_text": text,
        "encrypted_index": "c2ltdWxhdGVk",
    }
    said: Block = {"type": "text", "text": text, "citations": [citation]}
    return Reply(content=(_use("web_search", {"query": query}), _result("web_search", [found]), said))


def web_search_error(query: str, text: str = "I could not search.", *, code: str = "unavailable") -> Reply:
    """The search fails, and Claude says so; `code` may be `max_uses_exceeded`, `too_many_requests` …"""
    problem = {"type": "web_search_tool_result_error", "error_code": code}
    said: Block = {"type": "text", "text": text}
    return Reply(content=(_use("web_search", {"query": query}), _result("web_search", problem), said))


def web_fetch(url: str, page: str, text: str) -> Reply:
    """Claude reads a page: its text becomes input tokens."""
    source = {"type": "text", "media_type": "text/plain", "data": page}
    document = {"type": "document", "source": source, "title": None, "citations": None}
    fetched = {"type": "web_fetch_result", "url": url, "content": document, "retrieved_at": None}
    said: Block = {"type": "text", "text": text}
    return Reply(content=(_use("web_fetch", {"url": url}), _result("web_fetch", fetched), said))


def code_execution(command: str, stdout: str, text: str) -> Reply:
    """Claude runs a command in its container."""
    output = {"type": "bash_code_execution_result", "stdout": stdout, "stderr": "", "return_code": 0}
    result = _result("bash_code_execution", {**output, "content": []})
    said: Block = {"type": "text", "text": text}
    return Reply(content=(_use("bash_code_execution", {"command": command}), result, said))


def mcp_call(server: str, name: str, tool_input: dict[str, Any], result: str, text: str) -> Reply:
    """Claude calls a tool of a server that the request named in `mcp_servers`."""
    call_id = "mcptoolu_sim_000001"
    use: Block = {
        "type": "mcp_tool_use",
        "id": call_id,
        "name": name,
        "server_name": server,
        "input": tool_input,
    }
    content = [{"type": "text", "text": result}]
    got: Block = {"type": "mcp_tool_result", "tool_use_id": call_id, "is_error": False, "content": content}
    said: Block = {"type": "text", "text": text}
    return Reply(content=(use, got, said))


def _use(tool: str, tool_input: dict[str, Any]) -> Block:
    return {"type": "server_tool_use", "id": "srvtoolu_sim_000001", "name": tool, "input": tool_input}


def _result(tool: str, content: Any) -> Block:
    return {"type": f"{tool}_tool_result", "tool_use_id": "srvtoolu_sim_000001", "content": content}


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
