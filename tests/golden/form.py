"""The JSON forms of golden logs: see README.md beside this file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from antiphon.domain.events import Event
from antiphon.domain.state import Conversation
from antiphon.stores.frames import Frame

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class GoldenLog:
    name: str
    about: str
    frames: list[Frame]
    state: dict[str, Any]


def state_json(state: Conversation) -> dict[str, Any]:
    """What is shown, as plain JSON values."""
    form: dict[str, Any] = json.loads(msgspec.json.encode(state))
    return form


def load(path: Path) -> GoldenLog:
    form = json.loads(path.read_bytes())
    frames = [Frame(row["seq"], row["type"], msgspec.json.encode(row["data"])) for row in form["events"]]
    return GoldenLog(form["name"], form["about"], frames, form["state"])


def load_all() -> list[GoldenLog]:
    return [load(path) for path in sorted(FOLDER.glob("*.json"))]


def text_of(log: GoldenLog) -> str:
    """The file's text: an event a line, the state indented, its keys sorted."""
    head = (("name", log.name), ("about", log.about))
    lines = ["{", *(f"  {plain(key)}: {plain(value)}," for key, value in head), '  "events": [']
    rows = [
        plain({"seq": frame.seq, "type": frame.type, "data": json.loads(frame.data)}) for frame in log.frames
    ]
    lines.append(",\n".join(f"    {row}" for row in rows))
    state = json.dumps(log.state, ensure_ascii=False, sort_keys=True, indent=2)
    lines += ["  ],", f'  "state": {state}'.replace("\n", "\n  "), "}", ""]
    return "\n".join(lines)


def plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def json_of(event: Event) -> Any:
    return json.loads(msgspec.json.encode(event))
