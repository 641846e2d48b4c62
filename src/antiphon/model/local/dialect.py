"""Where the local server and the local models differ from the Messages API: all of it, as pure functions.

Plans lose what a small local model cannot use, and answers gain what the API would have said. Source: the
Messages API reference on one side, llama.cpp's server as tried on the other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import msgspec

from antiphon.domain.messages import THINKING, Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AnswerError, UpstreamFailed, UpstreamRejected
from antiphon.model.wire import Ending, MessageDelta, MessageHead, MessageStart, StreamEvent

MAX_TOKENS = 512
"""At 10 to 30 tokens a second, longer answers are not worth the wait."""

HISTORY_TOKENS = 3000
"""System prompt and messages. With the answer they fit a slot of 4,096; read cold in 10 to 60 s."""

PIECE_TOKENS = HISTORY_TOKENS / 2
"""History is dropped by such pieces, measured from its beginning, so that many turns in a row send the same
prefix, which the server has in its cache."""

TEMPLATE_TOKENS = 64
"""What a chat template may add on its own: a default system prompt."""
MESSAGE_TOKENS = 16
"""What a chat template puts around one message."""
MOST_BYTES_PER_TOKEN = 8
"""English has about 4; a history with more bytes than this per token allowed need not be counted."""

KEPT_OPTIONS = ("stop_sequences",)
"""The server ignores or misreads the others: no thinking, no effort, no schemas, no caching on demand."""

CONTEXT_EXCEEDED = "exceed_context_size_error"
UNUSABLE = frozenset({400, 404, 413, 422, 500})

PLAIN_USAGE = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def spoken(plan: RequestPlan) -> RequestPlan:
    """The plan as a model that knows text and two roles in turn can read it."""
    return RequestPlan(
        model=plan.model,  # the server has one model and takes any name for it
        max_tokens=max(1, min(plan.max_tokens, MAX_TOKENS)),
        messages=tuple(_in_turn(plan.messages)),
        system=tuple(text_block(text) for block in plan.system if (text := block_text(block))),
        options={name: plan.options[name] for name in KEPT_OPTIONS if name in plan.options},
    )


def _in_turn(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Text messages of the two roles in turn, a user's first: templates refuse anything else."""
    role, texts = "", list[str]()
    for message in messages:
        said = "assistant" if message["role"] == "assistant" else "user"
        text = content_text(message["content"])
        if not text or (said == "assistant" and not role):
            continue
        if said != role:
            if texts:
                yield _message(role, texts)
            role, texts = said, []
        texts.append(text)
    if texts:
        yield _message(role, texts)


def _message(role: str, texts: Sequence[str]) -> dict[str, Any]:
    return {"role": role, "content": [text_block("\n\n".join(texts))]}


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


def histories(plan: RequestPlan) -> Iterator[tuple[RequestPlan, int]]:
    """A spoken plan with less and less of its history, the newest user message alone at last. Each comes with
    its size in bytes.

    Whole pieces of `PIECE_TOKENS` go first, then single exchanges of the newest piece.
    """
    texts = [content_text(message["content"]) for message in plan.messages]
    sizes = [len(text.encode()) for text in texts]
    left = sum(sizes) + sum(len(block["text"].encode()) for block in plan.system)
    remaining = [left - before for before in accumulate(sizes, initial=0)]
    for start in _starts(plan.messages, [estimated_tokens(text) for text in texts]):
        yield replace(plan, messages=plan.messages[start:]), remaining[start]


def _starts(messages: Sequence[Mapping[str, Any]], tokens: Sequence[float]) -> Iterator[int]:
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    last, since = 0, float(PIECE_TOKENS)
    for index, count in enumerate(tokens):
        if since >= PIECE_TOKENS and messages[index]["role"] == "user":
            yield index
            last, since = index, 0.0
        since += count
    yield from (index for index in users if index > last)


def estimated_tokens(text: str) -> float:
    """Roughly: 4 ASCII characters, or two thirds of a Chinese one, are a token."""
    characters = len(text)
    return characters / 4 + (len(text.encode()) - characters) * 0.6


def surely_fits(plan: RequestPlan, size: int) -> bool:
    """Without counting: a token is at least one byte."""
    return size + MESSAGE_TOKENS * len(plan.messages) + TEMPLATE_TOKENS <= HISTORY_TOKENS


def hopeless(size: int) -> bool:
    return size > HISTORY_TOKENS * MOST_BYTES_PER_TOKEN


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
        case MessageDelta(delta=Ending(stop_reason="end_turn", stop_sequence=str())):
            return _ended(event, "stop_sequence")
        case MessageDelta(delta=Ending(stop_reason="max_tokens"), usage={"output_tokens": int(count)}):
            return event if count >= max_tokens else _ended(event, "model_context_window_exceeded")
        case _:
            return event


def _ended(event: MessageDelta, stop_reason: str) -> MessageDelta:
    ending = msgspec.structs.replace(event.delta, stop_reason=stop_reason)
    return msgspec.structs.replace(event, delta=ending)
