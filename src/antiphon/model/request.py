"""A request plan as the body of a streamed request, and as arguments of the SDK's `count_tokens`."""

from typing import Any

import msgspec
from anthropic.types import MessageCountTokensParams

from antiphon.domain.plans import RequestPlan

_COUNTED = MessageCountTokensParams.__required_keys__ | MessageCountTokensParams.__optional_keys__

OWN = frozenset({"model", "max_tokens", "messages", "system", "tools", "stream"})
"""What the plan and the door decide: an option of the same name does not override it."""

IN_HEADERS = {"user_profile_id": "anthropic-user-profile-id", "workspace_id": "anthropic-workspace-id"}
"""Parameters of the Messages API that do not go into the body."""

_encode = msgspec.json.Encoder().encode


def streaming_body(plan: RequestPlan) -> bytes:
    """The body of a streamed request. An option that nobody here knows goes into it as it is: whether it is
    allowed is for Claude to say.

    Encoded here, at a fifteenth of what the SDK takes for a long history, which nobody else would wait for.
    """
    away = OWN | IN_HEADERS.keys()
    options = {name: value for name, value in plan.options.items() if name not in away}
    return _encode({**_content(plan), "max_tokens": plan.max_tokens, **options, "stream": True})


def headers_of(plan: RequestPlan) -> dict[str, str]:
    return {header: plan.options[name] for name, header in IN_HEADERS.items() if name in plan.options}


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
