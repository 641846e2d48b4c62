"""The table of models: Claude's own from `prices.toml`, and those that a user adds in `antiphon.toml`."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from importlib.resources import files
from typing import Any

from antiphon.errors import UnknownModel
from antiphon.money.entries import read_model, read_terms
from antiphon.money.facts import ModelFacts, Terms

LINES_TO_ADD = """\
[model.{name}]
in = "USD per million tokens of input"
out = "USD per million tokens of output"
write5m = "USD per million tokens written to the cache for 5 minutes"
write1h = "USD per million tokens written to the cache for 1 hour"
read = "USD per million tokens read from the cache"
context = "tokens in its context window"
max_out = "tokens in its longest answer"
"""


class ModelTable:
    """Models by name. Never changed in place: `with_added` returns a new one."""

    def __init__(self, models: Iterable[ModelFacts], terms: Terms) -> None:
        self._models = {facts.name: facts for facts in models}
        self._terms = terms
        aliases = {name: facts for facts in self._models.values() for name in facts.also}
        self._named = aliases | self._models

    def get(self, name: str) -> ModelFacts:
        """Raise UnknownModel for a model without a price, with the lines that would give it one."""
        facts = self.find(name)
        if facts is None:
            raise UnknownModel(self._unknown(name), model=name)
        return facts

    def find(self, name: str) -> ModelFacts | None:
        return self._named.get(name)

    def names(self) -> tuple[str, ...]:
        """Each model once, by its first name, in alphabetical order."""
        return tuple(sorted(self._models))

    def with_added(self, added: Mapping[str, Any]) -> "ModelTable":
        """A table with the `model` tables of `antiphon.toml` too, keyed by name.

        A listed model that is given again takes the new prices and keeps what else is known of it.

        Raises:
            ConfigurationError: a field is missing, unknown or of the wrong kind.
        """
        models = dict(self._models)
        for name, entry in added.items():
            where = f"[model.{_quoted(name)}] in antiphon.toml"
            models[name] = read_model(name, entry, where=where, terms=self._terms, known=self.find(name))
        return ModelTable(models.values(), self._terms)

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self._named, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        return (
            f"The model {_quoted(name)} has no price, so nothing was sent to it.{guess} To use it, add these "
            "lines to antiphon.toml with numbers in the place of the words; if it costs nothing, only the "
            f"first line and free = true.\n\n{LINES_TO_ADD.format(name=_quoted(name))}"
        )


def load_facts() -> ModelTable:
    """Read Claude's models from the data file of this package."""
    text = files("antiphon.money").joinpath("prices.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text, parse_float=Decimal)
    terms = read_terms(data["terms"])
    where = "the price list of this installation"
    return ModelTable(
        (read_model(name, entry, where=where, terms=terms) for name, entry in data["model"].items()), terms
    )


def _quoted(name: str) -> str:
    """As a quoted TOML key."""
    return json.dumps(name, ensure_ascii=False)
