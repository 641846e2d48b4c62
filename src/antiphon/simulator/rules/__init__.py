"""What the API refuses with status 400 although the shape is right: one small function per rule.

A rule takes the call and returns what is wrong as one sentence, or None. The sentences are for people.
"""

from collections.abc import Callable
from typing import TypeAlias

from antiphon.simulator.rules import caching, content, messages, output, thinking, tools
from antiphon.simulator.shape import Call

Rule: TypeAlias = Callable[[Call], str | None]

RULES: tuple[Rule, ...] = (
    *messages.RULES,
    *content.RULES,
    *caching.RULES,
    *output.RULES,
    *tools.RULES,
    *thinking.RULES,
    messages.prefill,
)
"""Checked in this order; the first that objects is the answer."""
