"""The models that the simulator knows. Source: the models overview of the API reference."""

from collections.abc import Iterable
from typing import Any, NamedTuple

UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""What the Models API says where no release date is known."""


class Model(NamedTuple):
    id: str
    max_input_tokens: int = 1_000_000
    max_tokens: int = 128_000
    lifecycle: str = "active"
    prefill: bool = False
    """Whether the conversation may end with the beginning of the answer: not since Claude 4.6."""

    @property
    def display_name(self) -> str:
        words = self.id.split("-")
        version = ".".join(word for word in words if word.isdigit() and len(word) < len("20250929"))
        return " ".join([*(word.title() for word in words if not word.isdigit()), version]).strip()

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
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
        }


def _older(name: str, lifecycle: str = "active") -> Model:
    return Model(name, 200_000, 64_000, lifecycle, prefill=True)


MODELS = (
    Model("claude-fable-5-2"),
    Model("claude-mythos-5-2"),
    Model("claude-haiku-5-5"),
    Model("claude-sonnet-5-5"),
    Model("claude-opus-5-5"),
    Model("claude-fable-5-1"),
    Model("claude-mythos-5-1"),
    Model("claude-opus-5"),
    Model("claude-sonnet-5"),
    Model("claude-fable-5"),
    Model("claude-mythos-5"),
    Model("claude-opus-4-8"),
    Model("claude-opus-4-7"),
    Model("claude-opus-4-6"),
    Model("claude-sonnet-4-6"),
    _older("claude-haiku-4-5"),
    _older("claude-haiku-4-5-20251001"),
    _older("claude-opus-4-5"),
    _older("claude-opus-4-5-20251101"),
    _older("claude-sonnet-4-5", "deprecated"),
    _older("claude-sonnet-4-5-20250929", "deprecated"),
)


def catalogue(extra: Iterable[str] = ()) -> dict[str, Model]:
    """All models by id, with some more that only this simulator has."""
    return {model.id: model for model in (*MODELS, *map(Model, extra))}
