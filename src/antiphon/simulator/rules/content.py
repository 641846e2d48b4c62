"""Images, documents and citations: where they may stand and how large they may be."""

from collections.abc import Iterator, Mapping
from typing import Any

from antiphon.simulator.errors import ApiError
from antiphon.simulator.media import image_size, pdf_pages
from antiphon.simulator.shape import NO_SAMPLING_SINCE, Call, placed_blocks

MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MOST_IMAGE_BYTES = 10 * 1024 * 1024
"""Of its base64 form."""

MOST_PIXELS = 8_000
MOST_PIXELS_OF_MANY = 2_000
MANY = 20
"""With more images than this in a request each must be smaller."""

SMALL_WINDOW = 200_000


def images(call: Call) -> str | None:
    found = list(_of_kind(call, "image"))
    most = 100 if call.model.max_input_tokens <= SMALL_WINDOW else 600
    if len(found) > most:
        return f"messages: too many images: {len(found)} > {most}"
    pixels = MOST_PIXELS_OF_MANY if len(found) > MANY else MOST_PIXELS
    for place, block in found:
        problem = _source_problem(block.get("source"))
        if problem is not None:
            return f"{place}.image.source.{problem}"
        size = image_size(block)
        if size is not None and max(size) > pixels:
            raise ApiError(
                400,
                f"{place}.image.source: image dimensions exceed the maximum of {pixels} pixels: "
                f"{size.width} x {size.height}",
                details={"error_code": "image_dimensions_too_large"},
            )
    return None


def _source_problem(source: Any) -> str | None:
    match source:
        case {"type": "base64", "media_type": kind, "data": str(data)}:
            if kind not in MEDIA_TYPES:
                return f"base64.media_type: Input should be {', '.join(map(repr, MEDIA_TYPES))}"
            if len(data) > MOST_IMAGE_BYTES:
                return f"base64: image exceeds 10 MB maximum: {len(data)} bytes > {MOST_IMAGE_BYTES} bytes"
            return None
        case {"type": "url", "url": str()} | {"type": "file", "file_id": str()}:
            return None
        case _:
            return "type: Input should be a source of type 'base64', 'url' or 'file'"


def pages(call: Call) -> str | None:
    most = 100 if call.model.max_input_tokens <= SMALL_WINDOW else 600
    for place, block in _of_kind(call, "document"):
        found = pdf_pages(block) or 0
        if found > most:
            return f"{place}.document: a PDF may have at most {most} pages, this one has {found}"
    return None


def document_by_the_assistant(call: Call) -> str | None:
    for turn in call.turns:
        if turn.role == "assistant" and call.version >= NO_SAMPLING_SINCE:
            for block in turn.blocks:
                if block.get("type") == "document":
                    return f"messages.{turn.first}: `document` blocks can only be in `user` messages"
    return None


def citations_by_the_user(call: Call) -> str | None:
    for turn in call.turns:
        if turn.role == "user" and call.version >= NO_SAMPLING_SINCE:
            for block in turn.blocks:
                if block.get("type") == "text" and block.get("citations"):
                    return f"messages.{turn.first}: text in `user` messages cannot have `citations`"
    return None


def _of_kind(call: Call, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((place, block) for place, block in placed_blocks(call.body) if block.get("type") == kind)


RULES = (images, pages, document_by_the_assistant, citations_by_the_user)
