"""What users of the library can test with: Claude as a script says, a clock, conformance suites for stores.

::

    def test_the_bot_greets(claude: ScriptedClaude) -> None:
        claude.answers("Good morning.")
        assert claude.chat().send("Hello").text == "Good morning."
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.testing.clock import ManualClock
    from antiphon.testing.scripted import ScriptedClaude, scripted_claude

__all__ = ["ManualClock", "ScriptedClaude", "scripted_claude"]

_MODULES = {
    "ManualClock": "antiphon.testing.clock",
    "ScriptedClaude": "antiphon.testing.scripted",
    "scripted_claude": "antiphon.testing.scripted",
}
"""Loaded when they are asked for: pytest imports this package at its start, needed or not."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
