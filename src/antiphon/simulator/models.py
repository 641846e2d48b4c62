"""The models that the simulator knows and what each accepts. Source: the models overview."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Thinking: TypeAlias = Literal["adaptive", "between_tools", "disabled", "enabled"]

EFFORTS = ("low", "medium", "high", "xhigh", "max")

UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""What the Models API says where no release date is known."""

LINES = ("fable", "mythos", "opus", "sonnet", "haiku")


class Model(NamedTuple):
    """What one model accepts. The defaults are those of a model that only this simulator has: nearly all."""

    id: str
    max_input_tokens: int = 1_000_000
    max_tokens: int = 128_000
    lifecycle: str = "active"
    prefill: bool = False
    """Whether the conversation may end with the beginning of the answer: not since Claude 4.6."""
    min_cache: int = 512
    """Prefixes of fewer tokens are not cached."""
    thinking: tuple[Thinking, ...] = ("adaptive", "between_tools", "disabled", "enabled")
    thinking_default: Thinking = "adaptive"
    up_to_high: tuple[Thinking, ...] = ()
    """Kinds of thinking that are refused together with an effort above `high`."""
    effort_default: str | None = "high"
    """None: the model knows no effort."""
    forced_tools: bool = True
    """Whether `tool_choice` may be `any` or `tool`."""
    bound: bool = False
    """Whether a thinking block is valid only after the very prefix it was made for."""
    account_bound: bool = False
    """Whether it is valid only for the organization it was made for."""
    keeps_thinking: bool = True
    """Whether the thinking of earlier turns is read (and paid) again; else it is dropped silently."""
    system_messages: bool = True
    """Whether messages may have the role `system`."""
    sampling: bool = False
    """Whether the old API version's temperature, top_p and top_k may differ from their defaults."""
    fast: bool = False
    geo: bool = True

    @property
    def display_name(self) -> str:
        words = self.id.split("-")
        version = ".".join(word for word in words if word.isdigit() and len(word) < len("20250929"))
        return " ".join([*(word.title() for word in words if not word.isdigit()), version]).strip()

    @property
    def line(self) -> str | None:
        return next((line for line in LINES if line in self.id.split("-")), None)

    @property
    def limited_as(self) -> str:
        """Rate limits hold for a whole line of models."""
        return self.line or self.id

    def accepts_thinking(self, kind: str, effort: str | None) -> bool:
        """True if this kind may stand beside this effort (None: the model's own)."""
        level = effort or self.effort_default or "low"
        return kind in self.thinking and not (kind in self.up_to_high and level in ("xhigh", "max"))

    def info(self) -> dict[str, Any]:
        """The JSON of `GET /v1/models/{id}`."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": UNKNOWN_DATE,
            "lifecycle": self.lifecycle,
            "deprecated_at": None,
            "retires_at": None,
            "line": self.line,
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, Any]:
        yes = {"supported": True}
        kinds = {kind: {"supported": kind in self.thinking} for kind in ("adaptive", "enabled", "disabled")}
        between = {"between_tools": {"supported": "between_tools" in self.thinking}}
        efforts = {level: {"supported": self.effort_default is not None} for level in EFFORTS}
        return {
            **dict.fromkeys(("batch", "citations", "structured_outputs", "image_input", "pdf_input"), yes),
            **dict.fromkeys(("code_execution", "context_management"), yes),
            "server_tools": {**yes, "code_execution": yes, "web_search": yes},
            "effort": {"supported": self.effort_default is not None, **efforts},
            "thinking": {"supported": True, "types": {**kinds, **between}},
        }


ALWAYS_ON: Mapping[str, Any] = {"thinking": ("adaptive",), "forced_tools": False, "bound": True}
OFF_BY_DEFAULT: Mapping[str, Any] = {"thinking": ("adaptive", "disabled"), "thinking_default": "disabled"}
BUDGETED: Mapping[str, Any] = {"thinking": ("enabled", "disabled"), "thinking_default": "disabled"}
BOTH: Mapping[str, Any] = {"thinking": ("adaptive", "enabled", "disabled"), "thinking_default": "disabled"}
OLDER: Mapping[str, Any] = {"prefill": True, "system_messages": False, "sampling": True, "geo": False}


def _old(name: str, *, min_cache: int = 4096, **facts: Any) -> Model:
    return Model(name, 200_000, 64_000, **{**OLDER, **BUDGETED, "min_cache": min_cache, **facts})


def _without_effort(name: str, **facts: Any) -> Model:
    return _old(name, effort_default=None, keeps_thinking=False, **facts)


MODELS = (
    Model("claude-fable-5-2", **ALWAYS_ON, fast=True),
    Model("claude-mythos-5-2", **ALWAYS_ON, fast=True),
    Model(
        "claude-haiku-5-5", thinking=("adaptive", "disabled"), up_to_high=("disabled",),
        effort_default="medium", bound=True, account_bound=True,
    ),
    Model(
        "claude-sonnet-5-5", thinking=("adaptive", "between_tools"), up_to_high=("between_tools",),
        forced_tools=False, bound=True, account_bound=True,
    ),
    Model("claude-opus-5-5", **ALWAYS_ON, effort_default="medium", fast=True),
    Model("claude-fable-5-1", **ALWAYS_ON),
    Model("claude-mythos-5-1", **ALWAYS_ON),
    Model("claude-opus-5", thinking=("adaptive", "disabled"), up_to_high=("disabled",), fast=True),
    Model("claude-sonnet-5", thinking=("adaptive", "disabled"), min_cache=1024, system_messages=False),
    Model("claude-fable-5", thinking=("adaptive",)),
    Model("claude-mythos-5", thinking=("adaptive",)),
    Model("claude-opus-4-8", **OFF_BY_DEFAULT, min_cache=1024, fast=True),
    Model("claude-opus-4-7", **OFF_BY_DEFAULT, min_cache=2048, system_messages=False),
    Model("claude-opus-4-6", **BOTH, min_cache=4096, system_messages=False, sampling=True),
    Model("claude-sonnet-4-6", **BOTH, min_cache=1024, system_messages=False, sampling=True),
    _without_effort("claude-haiku-4-5"),
    _without_effort("claude-haiku-4-5-20251001"),
    _old("claude-opus-4-5"),
    _old("claude-opus-4-5-20251101"),
    _without_effort("claude-sonnet-4-5", min_cache=1024, lifecycle="deprecated"),
    _without_effort("claude-sonnet-4-5-20250929", min_cache=1024, lifecycle="deprecated"),
)  # fmt: skip


def catalogue(extra: Iterable[str | Model] = ()) -> dict[str, Model]:
    """All models by id, with some more that only this simulator has."""
    more = [each if isinstance(each, Model) else Model(each) for each in extra]
    return {model.id: model for model in (*MODELS, *more)}
