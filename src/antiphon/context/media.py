"""How many files a request may hold, and which are left out of it where a conversation has more. Pure.

Whether a file stays depends on what stands before and after it, so files go in large pieces, the oldest
first: the prefix changes rarely. Those of the newest message always stay; `check_media` has looked at them.
Source of the limits: the Messages API reference, "Vision", "PDF support" and "Citations".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from antiphon.domain.media import REQUEST_BASE64_MAX, base64_length
from antiphon.domain.messages import Block, text_block
from antiphon.errors import InvalidRequest, TooLarge

SMALL_WINDOW = 200_000
"""Models with no larger window take fewer images and pages."""
FILES_MAX, FILES_MAX_SMALL = 600, 100
"""Images of a request, and pages of its PDFs."""
MANY_IMAGES = 20
MANY_PIXELS = 2_000
"""Where there are many images, none of their sides may have more pixels."""

LEFT_OUT = "[left out here: an attached {}, since a request does not hold as many as this conversation has]"
KINDS = ("image", "document")

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands: its message, its place there, and, within a result of a tool, its place there."""

    message: int
    block: int
    inner: int | None
    kind: str
    weight: "Weight"


@dataclass(frozen=True, slots=True)
class Weight:
    images: int
    pages: int
    base64: int
    large: bool
    """Too large for one of many images."""


def attached_in(messages: Sequence[Wire]) -> Iterator[Place]:
    """The images and documents of these messages, in their order."""
    for at, message in enumerate(messages):
        content = message["content"]
        if message["role"] != "user" or (len(content) == 1 and content[0].get("type") == "text"):
            continue  # most messages of a long conversation
        for index, block in enumerate(content):
            kind = block.get("type")
            if kind in KINDS:
                yield Place(at, index, None, kind, _weight(block))
            elif kind == "tool_result" and isinstance(parts := block.get("content"), list | tuple):
                for inner, part in enumerate(parts):
                    if isinstance(part, dict) and (kind := str(part.get("type"))) in KINDS:
                        yield Place(at, index, inner, kind, _weight(part))


def within_limits(
    messages: Sequence[Wire], attached: Sequence[Place], window: int | None, options: Mapping[str, Any]
) -> Sequence[Wire]:
    """The messages with no more files than the model takes, and with citations for all documents or none.

    `attached` is what they hold.
    """
    newest = max((place.message for place in attached if _is_asking(messages[place.message])), default=-1)
    bound = sum(place.message < newest for place in attached)
    kept = _without(messages, attached[: min(_too_many(attached, window), bound)])
    return _equally_cited(kept, cites=not _has_format(options))


def check_media(content: Sequence[Block], window: int | None) -> None:
    """Whether one message can be sent at all. Raises InvalidRequest, TooLarge."""
    weights = [place.weight for place in attached_in([{"role": "user", "content": content}])]
    most = _most(window)
    images, pages = sum(w.images for w in weights), sum(w.pages for w in weights)
    if images > most:
        raise InvalidRequest(f"A message may hold {most} images for this model, not {images}. Send fewer.")
    if images > MANY_IMAGES and any(w.large for w in weights):
        raise InvalidRequest(
            f"With more than {MANY_IMAGES} images in a message, each may have {MANY_PIXELS:,} pixels on a "
            "side at most. Nothing was stored; send fewer, or make them smaller."
        )
    if pages > most:
        raise InvalidRequest(
            f"A message may hold {most} pages of PDF for this model, not {pages}. Send fewer."
        )
    if sum(w.base64 for w in weights) > REQUEST_BASE64_MAX:
        raise TooLarge(
            f"The files of one message may have {REQUEST_BASE64_MAX * 3 // 4 / 1e6:.1f} MB together. Nothing "
            "was stored; send fewer at a time."
        )


def _most(window: int | None) -> int:
    return FILES_MAX_SMALL if window is not None and window <= SMALL_WINDOW else FILES_MAX


def _too_many(places: Sequence[Place], window: int | None) -> int:
    """How many of the oldest have to go."""
    weights, most = [place.weight for place in places], _most(window)
    images = [w.images for w in weights]
    cuts = [
        _cut(images, most),
        _cut([w.pages for w in weights], most),
        _cut([w.base64 for w in weights], REQUEST_BASE64_MAX),
    ]
    if any(w.large for w in weights):
        cuts.append(_cut(images, MANY_IMAGES))
    return max(cuts)


def _cut(weights: Sequence[int], most: int) -> int:
    """How many go from the front until the rest is within `most`, in pieces of half of it."""
    over = sum(weights) - most
    if over <= 0:
        return 0
    piece = most // 2
    gone = -(-over // piece) * piece
    return next((at for at, total in enumerate(accumulate(weights), 1) if total >= gone), len(weights))


def _weight(block: Block) -> Weight:
    source = block.get("source") or {}
    is_image = block.get("type") == "image"
    match source:
        case {"type": "base64", "data": str(data)}:
            size = len(data)
        case {"media_type": "text/plain"}:
            size = int(source.get("bytes", 0))
        case _:
            size = base64_length(int(source.get("bytes", 0)))
    is_pdf = source.get("media_type") == "application/pdf"
    return Weight(
        images=int(is_image),
        pages=int(source.get("pages", 1)) if is_pdf else 0,
        base64=size,
        large=max(source.get("width", 0), source.get("height", 0)) > MANY_PIXELS,
    )


def _is_asking(message: Wire) -> bool:
    return all(block.get("type") != "tool_result" for block in message["content"])


def _without(messages: Sequence[Wire], places: Sequence[Place]) -> list[Wire]:
    left = list(messages)
    for place in places:
        content = list(left[place.message]["content"])
        note = text_block(LEFT_OUT.format(place.kind))
        if place.inner is None:
            content[place.block] = note
        else:
            result = content[place.block]
            parts = list(result["content"])
            parts[place.inner] = note
            content[place.block] = {**result, "content": parts}
        left[place.message] = {**left[place.message], "content": content}
    return left


def _has_format(options: Mapping[str, Any]) -> bool:
    return bool((options.get("output_config") or {}).get("format"))


def _equally_cited(messages: list[Wire], *, cites: bool) -> list[Wire]:
    """Where one document is cited all are, where the answer has a format none is: so the API wants it."""
    documents = [b for m in messages for b in m["content"] if b.get("type") == "document"]
    cited = [bool((document.get("citations") or {}).get("enabled")) for document in documents]
    wanted = cites and any(cited)
    if all(is_cited == wanted for is_cited in cited):
        return messages

    def alike(block: Block) -> Block:
        if block.get("type") != "document":
            return block
        return {**block, "citations": {"enabled": wanted}}

    return [{**message, "content": [alike(block) for block in message["content"]]} for message in messages]
