"""The request plan: what of a conversation is sent to a model, how, and where the cache is marked. Pure.

Order of the prefix, from what changes least to what changes most: tools, system, summary, messages. Nothing
that varies by itself stands before the newest message, and what stands in a message stays in it: the next
turn's plan begins with the bytes of this one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from antiphon.context.breakpoints import with_breakpoints
from antiphon.context.dates import dated
from antiphon.context.media import attached_in, within_limits
from antiphon.context.parameters import parameters_for, schema_in_words
from antiphon.context.schemas import instruction
from antiphon.context.sendable import OURS, is_asking, sendable
from antiphon.domain.conversations import Compaction, Header, PlacedMessage
from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan
from antiphon.money.facts import ModelFacts
from antiphon.money.pricing import Lifetime

SUMMARY = (
    "<summary_of_earlier_conversation>\n{}\n</summary_of_earlier_conversation>\n\n"
    "The messages before this point were replaced by the summary above. They are kept, and can be searched."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_history_turns`: how many of the newest user turns are sent; None for all."""

    max_tokens: int = 8192
    max_history_turns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one turn asks beside the history: options for this turn, tools on offer, limits.

    With `facts`, options are derived for that model and the cache is marked; without, nothing is sent that
    was not asked for. `lifetime` None marks nothing. `dates` tells the day in each message that begins one.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[dict[str, Any], ...] = ()
    limits: Limits = Limits()
    facts: ModelFacts | None = None
    lifetime: Lifetime | None = "5m"
    dates: bool = False


def plan_request(
    header: Header,
    path: Sequence[PlacedMessage],
    request: Request,
    compaction: Compaction | None = None,
) -> RequestPlan:
    """Plan the next request of a conversation whose path from the root is `path`.

    `compaction` is the one in force on it (`in_force`). `path` may then begin after its message: the messages
    it replaced are not looked at.
    """
    sent, bound_from, begins = _kept(header, path, request.limits, compaction)
    sent = dated(sent) if request.dates else sent
    messages: Sequence[dict[str, Any]] = sendable(sent, bound_from, request.model)
    options = merged(header.options, request.options)
    if attached := list(attached_in(messages)):
        window = request.facts.context if request.facts is not None else None
        messages = within_limits(messages, attached, window, options)
    messages, options, max_tokens = _for_model((*begins, *messages), options, request)
    plan = RequestPlan(
        model=request.model,
        max_tokens=max_tokens,
        system=(text_block(header.system),) if header.system.strip() else (),
        messages=messages,
        tools=fixed_tools(request.tools),
        principal=header.principal if attached else "",
        options=options,
    )
    if request.facts is None or request.lifetime is None or request.facts.free:
        return plan
    return with_breakpoints(plan, request.lifetime)


def in_force(path: Sequence[PlacedMessage], compactions: Sequence[Compaction]) -> Compaction | None:
    """The compaction that holds on this path: the one after its latest message, the newest of several there.

    A path that leaves the tree above a compaction's message does not see it.
    """
    if not compactions:
        return None
    newest = {compaction.after_message_id: compaction for compaction in sorted(compactions, key=_seq)}
    return next((newest[p.message.id] for p in reversed(path) if p.message.id in newest), None)


def after(path: Sequence[PlacedMessage], compaction: Compaction | None) -> Sequence[PlacedMessage]:
    """The part of the path that the compaction leaves; all of it if the path begins after its message."""
    if compaction is None:
        return path
    for index in range(len(path) - 1, -1, -1):
        if path[index].message.id == compaction.after_message_id:
            return path[index + 1 :]
    return path


def fixed_tools(tools: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Tools by name, each with its keys in one order: wherever they come from, the same bytes each time.

    What a tool says is never changed in place, so those that were met lately are not spelled again.
    """
    if not tools:
        return ()
    met = tuple(map(id, tools))
    known = _fixed.get(met)
    if known is None:
        if len(_fixed) >= FIXED_KEPT:
            _fixed.clear()
        known = _fixed[met] = tuple(tools), _fix(tools)
    return known[1]


FIXED_KEPT = 64
"""Sets of tools that are remembered: the conversations of a process are offered few."""
_fixed: dict[tuple[int, ...], tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]] = {}
"""By the identities of the tools, which stand beside their spelling: no others can take their place."""


def _fix(tools: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    named = sorted(tools, key=lambda tool: (str(tool.get("name", "")), str(tool.get("type", ""))))
    return tuple({key: _spelled(tool[key]) for key in sorted(tool) if key not in OURS} for tool in named)


def merged(options: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A conversation's options with those of one turn over them; of `output_config`, field by field."""
    both = {**options, **own}
    if (config := options.get("output_config")) and (over := own.get("output_config")):
        both["output_config"] = {**config, **over}
    return both


def _seq(compaction: Compaction) -> int:
    return compaction.seq


def _kept(
    header: Header, path: Sequence[PlacedMessage], limits: Limits, compaction: Compaction | None
) -> tuple[Sequence[PlacedMessage], int, tuple[dict[str, Any], ...]]:
    """The messages that are sent as they are, the seq up to which no thinking is, and what stands before."""
    sent, bound_from = after(path, compaction), header.settings_seq
    if compaction is not None:
        bound_from = max(bound_from, compaction.seq)
    if (turns := limits.max_history_turns) is not None:
        asked = [index for index, placed in enumerate(sent) if is_asking(placed)]
        if len(asked) > turns:
            bound_from = max(bound_from, sent[asked[-1]].seq)  # the window stands still within a turn
            return sent[asked[-turns] :], bound_from, ()
    if compaction is None:
        return sent, bound_from, ()
    summary = text_block(SUMMARY.format(compaction.summary))
    return sent, bound_from, ({"role": "user", "content": [summary]},)


def _for_model(
    messages: tuple[dict[str, Any], ...], options: dict[str, Any], request: Request
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any], int]:
    """Messages and options as the model takes them, and its limit; `options` is used up."""
    max_tokens = options.pop("max_tokens", request.limits.max_tokens)
    if (facts := request.facts) is None:
        return messages, options, max_tokens
    options.pop("cache_control", None)  # the API's own mark would be one too many
    max_tokens = min(max_tokens, facts.max_out)
    if (schema := schema_in_words(facts, options)) is not None:
        messages = _asked_in_words(messages, instruction(schema))
    return messages, parameters_for(facts, options, max_tokens), max_tokens


def _asked_in_words(messages: Sequence[dict[str, Any]], words: str) -> tuple[dict[str, Any], ...]:
    """With `words` at the end of a person's newest message."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        results = any(block.get("type") == "tool_result" for block in message["content"])
        if message["role"] == "user" and not results:
            asked = {**message, "content": [*message["content"], text_block(words)]}
            return (*messages[:index], asked, *messages[index + 1 :])
    return tuple(messages)


def _spelled(value: Any) -> Any:
    match value:
        case dict():
            return {key: _spelled(value[key]) for key in sorted(value)}
        case list() | tuple():
            return [_spelled(inner) for inner in value]
        case _:
            return value
