"""Where the local server and the local models differ from the Messages API: all of it, as pure functions.

Plans lose what a small local model cannot use, and answers gain what the API would have said. Source: the
Messages API reference on one side, llama.cpp's server as tried on the other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from antiphon.domain.messages import THINKING, Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AnswerError, UpstreamFailed, UpstreamRejected
from antiphon.model.local.fitting import HISTORY_TOKENS
from antiphon.model.wire import BlockStart, Ending, MessageDelta, MessageHead, MessageStart, StreamEvent

MAX_TOKENS = 512
"""At 10 to 30 tokens a second, longer answers are not worth the wait."""

KEPT_OPTIONS = ("stop_sequences",)
"""The server ignores or misreads the others: no thinking, no effort, no schemas, no caching on demand."""

TOOL_FIELDS = ("name", "description", "input_schema")

CONTEXT_EXCEEDED = "exceed_context_size_error"
UNUSABLE = frozenset({400, 404, 413, 422, 500})

PLAIN_USAGE = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


TOOL_ID = "toolu_"
"""What the API's ids of tool uses begin with, and the server's do not."""


def spoken(plan: RequestPlan, *, tools: bool = False) -> RequestPlan:
    """The plan as a model that knows text and two roles in turn can read it. `tools`: it can use them too."""
    offered = tuple(_offered(plan)) if tools else ()
    return RequestPlan(
        model=plan.model,  # the server has one model and takes any name for it
        max_tokens=max(1, min(plan.max_tokens, MAX_TOKENS)),
        messages=tuple(_in_turn(plan.messages, tools=bool(offered))),
        system=tuple(text_block(text) for block in plan.system if (text := block_text(block))),
        tools=offered,
        options={name: plan.options[name] for name in KEPT_OPTIONS if name in plan.options},
    )


def _offered(plan: RequestPlan) -> Iterator[dict[str, Any]]:
    """The tools that run here, if they may be used: the server hears no `tool_choice` but by what it is sent.

    Claude's own tools run at Claude only.
    """
    choice = plan.options.get("tool_choice") or {}
    for tool in plan.tools:
        chosen = choice.get("type") != "none" and choice.get("name") in (None, tool.get("name"))
        if chosen and "input_schema" in tool:
            yield {key: tool[key] for key in TOOL_FIELDS if key in tool}


def _in_turn(messages: Sequence[Mapping[str, Any]], *, tools: bool) -> Iterator[dict[str, Any]]:
    """Messages of the two roles in turn, a user's first: templates refuse anything else."""
    role, said, used = "", list[Block](), set[str]()
    for message in messages:
        who = "assistant" if message["role"] == "assistant" else "user"
        blocks = list(_sayable(message["content"], used if tools else None))
        if not blocks or (who == "assistant" and not role):
            continue
        if who != role:
            if said:
                yield _message(role, said)
            role, said = who, []
        said += blocks
        used |= {block["id"] for block in blocks if block["type"] == "tool_use"}
    if said:
        yield _message(role, said)


def _sayable(content: str | Sequence[Block], used: AbstractSet[str] | None) -> Iterator[Block]:
    """The text of a message as one block, and its tool uses and results as they are; as notes if `used`, the
    ids of the uses so far, is None, or where a result's use is not among them.
    """
    blocks = [text_block(content)] if isinstance(content, str) else content
    notes = list[str]()
    for block in blocks:
        match block:
            case {"type": "tool_use", "id": str(), "name": str()} if used is not None:
                yield {key: block[key] for key in ("type", "id", "name", "input") if key in block}
            case {"type": "tool_result", "tool_use_id": str(use)} if used is not None and use in used:
                yield {"type": "tool_result", "tool_use_id": use, "content": result_text(block)}
            case _:
                notes.append(block_text(block))
    if text := "\n".join(note for note in notes if note):
        yield text_block(text)


def _message(role: str, blocks: Sequence[Block]) -> dict[str, Any]:
    """Results before the text, the text as one block, uses after it: the order of the API."""
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    results = [block for block in blocks if block["type"] == "tool_result"]
    uses = [block for block in blocks if block["type"] == "tool_use"]
    return {"role": role, "content": [*results, *([text_block("\n\n".join(texts))] if texts else []), *uses]}


def result_text(block: Block) -> str:
    text = content_text(block.get("content") or "") or "Nothing."
    return f"This failed: {text}" if block.get("is_error") else text


def content_text(content: str | Sequence[Block]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(text for block in content if (text := block_text(block)))


def block_text(block: Block) -> str:
    """A block as text: what a text model cannot read becomes a note, thinking becomes nothing."""
    match block:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": kind} if kind in THINKING:
            return ""
        case {"type": "tool_use", "name": name}:
            return f"[used the tool {name}]"
        case {"type": "tool_result"}:
            return f"[the tool's result]\n{content_text(block.get('content') or '')}"
        case {"type": "document", "source": {"type": "text", "data": str(data)}}:
            return f"[document {json.dumps(block.get('title') or '')}]\n{data}"
        case _:
            return f"[{block.get('type', 'block')} omitted]"


def too_long(title: str) -> UpstreamRejected:
    """The newest message and the system prompt alone are too long."""
    return UpstreamRejected(
        f"This message, with the system prompt, is longer than the {HISTORY_TOKENS:,} tokens that the local "
        f"model {title} reads. The conversation is unchanged; send something shorter, or talk to Claude.",
        began=False,
        sent=False,
    )


def failure(error: AnswerError, title: str) -> AnswerError:
    """What went wrong at the door, in the local model's name.

    The server answers 500 to what it cannot use, where the API answers 400.
    """
    if error.facts.get("error_type") == CONTEXT_EXCEEDED:
        return too_long(title)
    if error.facts.get("status") in UNUSABLE:
        return UpstreamRejected(
            f"The local model {title} cannot use this request. The conversation is unchanged; change the "
            "message and send it again, or talk to Claude.",
            **error.facts,
        )
    if isinstance(error, UpstreamRejected):
        return error  # ours: too long
    return UpstreamFailed(
        f"The local model {title} stopped before its answer was complete. What was said before is unchanged; "
        "send the message again: it is started anew.",
        **error.facts,
    )


def starts(batch: Sequence[StreamEvent]) -> bool:
    """Whether the first events of an answer begin with its start.

    The server leaves it out where the answer has no whole character: not a word, or half an emoji.
    """
    return bool(batch) and isinstance(batch[0], MessageStart)


def start(model: str, input_tokens: int) -> MessageStart:
    """The start that was left out."""
    return MessageStart(message=MessageHead(model=model, usage={**PLAIN_USAGE, "input_tokens": input_tokens}))


def answered(event: StreamEvent, model: str, max_tokens: int) -> StreamEvent:
    """An event as the API would have sent it, in the name of the `model` that was asked for.

    The server says `end_turn` where a stop sequence was hit, and `max_tokens` where the context is full.
    """
    match event:
        case MessageStart(message=head):
            head = msgspec.structs.replace(head, model=model, usage={**PLAIN_USAGE, **head.usage})
            return msgspec.structs.replace(event, message=head)
        case BlockStart(content_block={"type": "tool_use", "id": str(id_)} as block):
            named = {**block, "id": id_ if id_.startswith(TOOL_ID) else TOOL_ID + id_}
            return msgspec.structs.replace(event, content_block=named)
        case MessageDelta(delta=Ending(stop_reason="end_turn", stop_sequence=str())):
            return _ended(event, "stop_sequence")
        case MessageDelta(delta=Ending(stop_reason="max_tokens"), usage={"output_tokens": int(count)}):
            return event if count >= max_tokens else _ended(event, "model_context_window_exceeded")
        case _:
            return event


def _ended(event: MessageDelta, stop_reason: str) -> MessageDelta:
    ending = msgspec.structs.replace(event.delta, stop_reason=stop_reason)
    return msgspec.structs.replace(event, delta=ending)
