"""Claude's own tools: Claude runs them while it answers, and this program only offers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from antiphon.errors import ConfigurationError

ServerToolName: TypeAlias = Literal["web_search", "web_fetch", "code_execution"]

_TYPES: Mapping[str, str] = {
    "web_search": "web_search_20260318",
    "web_fetch": "web_fetch_20260318",
    "code_execution": "code_execution_20260521",
}
"""Source: the Messages API reference, "Server tools"."""

_UNLIMITED = ("code_execution",)
"""Those of which the API takes no `max_uses`."""


@dataclass(frozen=True, slots=True)
class ServerTool:
    """`max_uses` limits the uses in one request; of code execution it is what a budget assumes, not a limit.

    `options` are further fields of the tool, as the Messages API spells them: `allowed_domains`,
    `blocked_domains`, `user_location`, `max_content_tokens` … or another `type`.

    Raises:
        ConfigurationError: there is no such tool.
    """

    name: ServerToolName
    max_uses: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in SERVER_TOOLS:
            known = ", ".join(SERVER_TOOLS)
            raise ConfigurationError(
                f"Claude has no tool {self.name!r} that can be named here, only {known}."
            )
        if self.max_uses is not None and self.max_uses < 1:
            raise ConfigurationError(f"max_uses of {self.name} must be at least 1.")

    def wire(self) -> dict[str, Any]:
        """As the Messages API takes it, keys always in this order."""
        limit = {} if self.max_uses is None or self.name in _UNLIMITED else {"max_uses": self.max_uses}
        rest = {name: self.options[name] for name in sorted(self.options) if name not in ("type", "name")}
        return {"type": self.options.get("type", _TYPES[self.name]), "name": self.name, **limit, **rest}


SERVER_TOOLS: tuple[ServerToolName, ...] = get_args(ServerToolName)
