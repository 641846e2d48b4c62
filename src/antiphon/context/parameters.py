"""Parameters of the Messages API as one model takes them, derived from what the model table knows of it.

A conversation moves between models, by a switch or a fallback: what one accepts, another refuses. What is
refused is replaced by the nearest that is accepted, or left out where the model's default is the nearest.
"""

from collections.abc import Mapping
from typing import Any

from antiphon.money.facts import EFFORTS, Effort, ModelFacts, Thinking

LEAST_BUDGET = 1024
"""Of `thinking.budget_tokens`, by the Messages API reference."""

NEAREST: Mapping[Thinking, tuple[Thinking, ...]] = {
    "disabled": ("disabled", "between_tools"),
    "between_tools": ("between_tools", "disabled"),
    "enabled": ("enabled", "adaptive"),
    "adaptive": ("adaptive",),
}
"""What stands in for a thinking type, best first; after these, the model's default."""


def parameters_for(
    facts: ModelFacts, options: Mapping[str, Any], max_tokens: int | None = None
) -> dict[str, Any]:
    """`options` as this model takes them. Effort is always said where there is one: defaults differ between
    models, and a change of effort within a conversation rewrites its cache.
    """
    effort = _effort(facts, options)
    if not options:  # most requests ask for nothing
        return {"output_config": {"effort": effort}} if effort else {}
    thinking = _thinking(facts, options, effort, max_tokens)
    derived = {
        "output_config": _output_config(facts, options, effort),
        "thinking": thinking,
        "tool_choice": _tool_choice(facts, options, thinking),
        "speed": None if options.get("speed") == "fast" and not facts.fast else options.get("speed"),
        "inference_geo": options.get("inference_geo") if facts.terms.geo else None,
    }
    kept = {name: value for name, value in options.items() if name not in derived}
    return {**kept, **{name: value for name, value in derived.items() if value is not None}}


def _effort(facts: ModelFacts, options: Mapping[str, Any]) -> Effort | None:
    """The effort asked for, or the highest below it that the model has; its default if none is asked for."""
    asked = (options.get("output_config") or {}).get("effort")
    if not facts.efforts:
        return None
    if asked not in EFFORTS:
        return facts.effort_default
    below = [effort for effort in facts.efforts if EFFORTS.index(effort) <= EFFORTS.index(asked)]
    return max(below, key=EFFORTS.index) if below else min(facts.efforts, key=EFFORTS.index)


def _output_config(
    facts: ModelFacts, options: Mapping[str, Any], effort: Effort | None
) -> dict[str, Any] | None:
    away = ("effort",) if facts.structured else ("effort", "format")
    config = {name: value for name, value in (options.get("output_config") or {}).items() if name not in away}
    return {**config, **({"effort": effort} if effort else {})} or None


def _thinking(
    facts: ModelFacts, options: Mapping[str, Any], effort: Effort | None, max_tokens: int | None
) -> dict[str, Any] | None:
    asked = options.get("thinking")
    if not isinstance(asked, Mapping) or asked.get("type") not in NEAREST:
        return None
    accepted = [kind for kind in NEAREST[asked["type"]] if facts.accepts_thinking(kind, effort)]
    if not accepted:
        return None
    shared = {"display": asked["display"]} if "display" in asked and accepted[0] != "disabled" else {}
    if accepted[0] != "enabled":
        return {"type": accepted[0], **({} if accepted[0] == "between_tools" else shared)}
    budget = asked.get("budget_tokens")
    budget = budget if isinstance(budget, int) else LEAST_BUDGET
    if max_tokens is not None:
        budget = min(budget, max_tokens - 1)
    return {"type": "enabled", "budget_tokens": budget, **shared} if budget >= LEAST_BUDGET else None


def _tool_choice(
    facts: ModelFacts, options: Mapping[str, Any], thinking: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """A forced choice becomes a free one where the model, or its thinking, does not take it."""
    choice = options.get("tool_choice")
    if not isinstance(choice, Mapping) or choice.get("type") not in ("any", "tool"):
        return dict(choice) if isinstance(choice, Mapping) else None
    if facts.forced_tool_choice and (thinking or {}).get("type") != "enabled":
        return dict(choice)
    return {"type": "auto", **{key: choice[key] for key in ("disable_parallel_tool_use",) if key in choice}}


def schema_in_words(facts: ModelFacts, options: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that is asked for and that this model is not held to: the message has to say it."""
    schema = ((options.get("output_config") or {}).get("format") or {}).get("schema")
    return None if facts.structured or not isinstance(schema, Mapping) else schema


def prewarms(facts: ModelFacts, options: Mapping[str, Any]) -> bool:
    """True if a request of `max_tokens` 0 refreshes the cache of requests with these options.

    Source: the Messages API reference on prompt caching: not with thinking `enabled`, an output format, or a
    forced tool choice. A model of the user's own is not asked to.
    """
    if not facts.prewarm or (options.get("output_config") or {}).get("format"):
        return False
    thinks = (options.get("thinking") or {}).get("type", facts.thinking_default)
    return thinks != "enabled" and (options.get("tool_choice") or {}).get("type") not in ("any", "tool")
