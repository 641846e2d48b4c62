"""Building a block from its deltas. The page's fold has the same rules.

While a `tool_use` block is being written, its input is unparsed text under `partial_json`; the finished block
holds `input` instead. Source of the delta kinds: the Messages API's streaming reference.
"""

import json
import math
from typing import Any

from antiphon.domain.messages import TOOL_USES, Block, clean_json

_JOINED = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""Kinds of delta that only add text, and the field that carries it (in the delta, and in the block)."""


def apply_delta(block: Block, delta: dict[str, Any]) -> Block:
    """Return `block` grown by `delta`. One of an unknown kind, or one that lacks its field, adds nothing."""
    kind = delta.get("type")
    if field := _JOINED.get(str(kind)):
        return {**block, field: (block.get(field) or "") + _piece(delta, field)}
    if kind == "signature_delta" and type(delta.get("signature")) is str:
        return {**block, "signature": delta["signature"]}
    if kind == "citations_delta" and isinstance(delta.get("citation"), dict):
        return {**block, "citations": [*(block.get("citations") or ()), delta["citation"]]}
    return block


def _is_text(delta: dict[str, Any]) -> bool:
    return delta.get("type") == "text_delta" and type(delta.get("text")) is str


def _piece(delta: dict[str, Any], field: str) -> str:
    return str(delta.get(field) or "")


def join_deltas(deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join neighbours of one kind, where the kind only adds text. The result builds the same block."""
    texts = [delta["text"] for delta in deltas if _is_text(delta)]
    if texts and len(texts) == len(deltas):  # nearly always
        return [{"type": "text_delta", "text": "".join(texts)}]
    joined: list[dict[str, Any]] = []
    run: list[str] = []
    kind = ""
    for delta in deltas:
        field = _JOINED.get(str(delta.get("type")))
        if run and (field is None or delta["type"] != kind):
            joined.append({"type": kind, _JOINED[kind]: "".join(run)})
            run = []
        if field is None:
            joined.append(delta)
        else:
            kind = delta["type"]
            run.append(_piece(delta, field))
    if run:
        joined.append({"type": kind, _JOINED[kind]: "".join(run)})
    return joined


def finish_block(block: Block) -> Block:
    """The block as it is stored and sent again: `partial_json` becomes `input`, which is an object.

    Input that is not a JSON object (cut off, invalid, or nested too deep to be read) is kept as text under
    `invalid_json`, so that whoever runs the tool can say so.
    """
    raw = _unread_input(block)
    if raw is None:
        return block
    done = {key: value for key, value in block.items() if key != "partial_json"}
    try:
        value = clean_json(json.loads(raw, parse_float=_finite, parse_constant=_finite)) if raw else {}
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return {**done, "input": value}
    return {**done, "input": {}, "invalid_json": raw}


def _unread_input(block: Block) -> str | None:
    """The JSON of a tool's input; None where it was read already, or nothing is to be read."""
    if "partial_json" in block:
        written: str = block["partial_json"] or ""
        return written
    given = block.get("input")
    if block.get("type") not in TOOL_USES or isinstance(given, dict):
        return None
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _finite(number: str) -> float:
    """JSON has no other numbers: what Python reads as NaN or infinity could not be sent again."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def is_empty(block: Block) -> bool:
    """Text without a visible character, or a block of no kind: the API refuses it in a request."""
    kind = block.get("type")
    if kind != "text":
        return not kind
    text = str(block.get("text", ""))
    return not text or text.isspace()
