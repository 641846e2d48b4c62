"""Why the cache could not go on from an earlier request. Source: the cache diagnostics page.

Prompts are remembered for requests that ask for diagnostics, as the hashes of their blocks.
"""

from collections import OrderedDict
from typing import Any

from antiphon.simulator.prompt import Prompt
from antiphon.simulator.tokens import tokens

KEPT = 1_000
"""Prompts."""


class Diagnoses:
    def __init__(self) -> None:
        self._prompts: OrderedDict[str, Prompt] = OrderedDict()

    def remember(self, message_id: str, prompt: Prompt) -> None:
        self._prompts[message_id] = prompt
        if len(self._prompts) > KEPT:
            self._prompts.popitem(last=False)

    def reason(self, previous_message_id: str | None, prompt: Prompt) -> dict[str, Any] | None:
        """What has changed since the request that got this answer; None if nothing has."""
        if previous_message_id is None:
            return None
        before = self._prompts.get(previous_message_id)
        if before is None:
            return {"type": "previous_message_not_found"}
        kind = _changed(before, prompt)
        if kind is None:
            return None
        missed = tokens(before.sizes[-1]) - tokens(_common_bytes(before, prompt))
        return {"type": kind, "cache_missed_input_tokens": missed}


def _changed(before: Prompt, now: Prompt) -> str | None:
    if before.model.id != now.model.id:
        return "model_changed"
    (tools, system), (tools_now, system_now) = before.parts, now.parts
    if before.hashes[:tools] != now.hashes[:tools_now]:
        return "tools_changed"
    if before.hashes[tools:system] != now.hashes[tools_now:system_now]:
        return "system_changed"
    if before.hashes[system:] != now.hashes[system_now : system_now + len(before.hashes) - system]:
        return "messages_changed"
    return None


def _common_bytes(before: Prompt, now: Prompt) -> int:
    size = 0
    for hashed, hashed_now, end in zip(before.hashes, now.hashes, before.sizes, strict=False):
        if hashed != hashed_now:
            break
        size = end
    return size
