"""Answers that wait for a person's word on tools."""

from playwright.sync_api import expect

from antiphon.simulator import Reply, Simulator
from tests.web.visitor import Visitor

ANSWER = "Take an umbrella: it rains in Bergen."


def ask(visitor: Visitor, simulator: Simulator, *tools: str) -> None:
    """Ask for something that needs these tools, all of them for Bergen, and wait until they ask."""
    uses = ({"type": "tool_use", "name": tool, "input": {"city": "Bergen"}} for tool in tools)
    simulator.script(Reply(content=tuple(uses)), Reply(text=ANSWER))
    visitor.say("Do I need an umbrella in Bergen?")
    for tool in tools:
        expect(visitor.approval(tool)).to_contain_text('"city": "Bergen"')
