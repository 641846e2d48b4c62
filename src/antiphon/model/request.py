"""A request plan as arguments of the Claude SDK's `messages.create` and `messages.count_tokens`."""

from typing import Any

from anthropic.types import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsBase

from antiphon.domain.plans import RequestPlan

_PARAMETERS = MessageCreateParamsBase.__required_keys__ | MessageCreateParamsBase.__optional_keys__
_COUNTED = MessageCountTokensParams.__required_keys__ | MessageCountTokensParams.__optional_keys__

OWN = frozenset({"model", "max_tokens", "messages", "system", "tools", "stream"})
"""What the plan and the door decide: an option of the same name does not override it."""


def create_arguments(plan: RequestPlan) -> dict[str, Any]:
    """Arguments of `messages.create`. An option that the SDK does not know goes into the body as it is:
    whether it is allowed is for Claude to say.
    """
    options = {name: value for name, value in plan.options.items() if name not in OWN}
    known = {name: value for name, value in options.items() if name in _PARAMETERS}
    unknown = {name: value for name, value in options.items() if name not in _PARAMETERS}
    arguments = {**known, **_content(plan), "max_tokens": plan.max_tokens}
    return {**arguments, "extra_body": unknown} if unknown else arguments


def count_arguments(plan: RequestPlan) -> dict[str, Any]:
    """Arguments of `messages.count_tokens`: the options that do not change the count are not among them."""
    options = {name: value for name, value in plan.options.items() if name in _COUNTED - OWN}
    return {**options, **_content(plan)}


def _content(plan: RequestPlan) -> dict[str, Any]:
    content: dict[str, Any] = {"model": plan.model, "messages": list(plan.messages)}
    if plan.system:
        content["system"] = list(plan.system)
    if plan.tools:
        content["tools"] = list(plan.tools)
    return content
