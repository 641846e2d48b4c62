"""Which model thinks how, and how hard. Source: the extended thinking, adaptive thinking and effort pages."""

from collections.abc import Mapping
from typing import Any

from antiphon.simulator.models import EFFORTS
from antiphon.simulator.shape import Call

KINDS = ("adaptive", "between_tools", "disabled", "enabled")

LEAST_BUDGET = 1024

DISPLAYS = ("summarized", "omitted")
DISPLAY_OF_A_BETA = ("updates", "thinking-display-updates")


def kind(call: Call) -> str | None:
    wanted = call.body.get("thinking")
    if wanted is None:
        return None
    if wanted.get("type") not in KINDS:
        return "thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'"
    if wanted["type"] not in call.model.thinking:
        offered = ", ".join(f"`{each}`" for each in call.model.thinking)
        return f"thinking.type: `{wanted['type']}` is not supported on this model. It supports {offered}."
    return _budget_problem(call, wanted) or _display_problem(call, wanted)


def _budget_problem(call: Call, wanted: Mapping[str, Any]) -> str | None:
    budget = wanted.get("budget_tokens")
    if wanted["type"] != "enabled":
        return None if budget is None else "thinking.budget_tokens: Extra inputs are not permitted"
    if not isinstance(budget, int):
        return "thinking.enabled.budget_tokens: Field required"
    if budget < LEAST_BUDGET:
        return f"thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}"
    if budget >= call.body.get("max_tokens", budget + 1):
        return "`max_tokens` must be greater than `thinking.budget_tokens`."
    return None


def _display_problem(call: Call, wanted: Mapping[str, Any]) -> str | None:
    display = wanted.get("display")
    if display is None:
        return None
    if wanted["type"] not in ("adaptive", "enabled"):
        return "thinking.display: Extra inputs are not permitted"
    updates, beta = DISPLAY_OF_A_BETA
    if display in DISPLAYS or (display == updates and call.has_beta(beta)):
        return None
    return "thinking.display: Input should be 'summarized' or 'omitted'"


def effort(call: Call) -> str | None:
    wanted = (call.body.get("output_config") or {}).get("effort")
    if wanted is None:
        return None
    if wanted not in EFFORTS:
        return "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
    if call.model.effort_default is None:
        return "This model does not support the effort parameter."
    return None


def thinking_at_this_effort(call: Call) -> str | None:
    wanted = (call.body.get("thinking") or {}).get("type") or call.model.thinking_default
    level = (call.body.get("output_config") or {}).get("effort")
    if call.model.accepts_thinking(wanted, level):
        return None
    return f"thinking.type: `{wanted}` is not supported on this model with effort '{level}'"


def block_binding(call: Call) -> str | None:
    binding = (call.body.get("thinking") or {}).get("block_binding")
    if binding is None:
        return None
    if not call.has_beta("thinking-binding-controls"):
        return "thinking.block_binding: Extra inputs are not permitted"
    if binding.get("prefix_mismatch_behavior") not in ("error", "drop_block"):
        return "thinking.block_binding.prefix_mismatch_behavior: Input should be 'error' or 'drop_block'"
    return None


RULES = (kind, block_binding, effort, thinking_at_this_effort)
