"""What Claude is told of a tool's run: the `tool_result` blocks of the newest request."""

from collections.abc import Sequence
from typing import Any

from antiphon import AsyncChat
from antiphon.simulator.script import Reply
from antiphon.simulator.server import Simulator
from antiphon.tools.offering import Offered


async def results_of(
    simulator: Simulator, tools: Sequence[Offered], *uses: tuple[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """A chat with these tools, in which Claude uses them so."""
    content = tuple(
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": given}
        for n, (name, given) in enumerate(uses)
    )
    simulator.script(Reply(content=content), Reply(text="I see."))
    async with AsyncChat(tools=tools, api_key="key", base_url=simulator.url) as chat:
        assert (await chat.send("Go.")).text == "I see."
    results: list[dict[str, Any]] = simulator.requests[-1].body["messages"][-1]["content"]
    assert [result["tool_use_id"] for result in results] == [use["id"] for use in content]
    return results


def told(result: dict[str, Any]) -> str:
    """The text of one result."""
    return "".join(block["text"] for block in result["content"] if block["type"] == "text")
