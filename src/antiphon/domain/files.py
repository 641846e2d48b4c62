"""Files: what a person attaches to a message. The log holds references to them, never their bytes.

A reference is a block's source: `{"type": "file", "file_id": …}`, beside which the log keeps what is known of
the file (`media_type`, `bytes`, `name`, `width`, `height`, `pages`), so that a request can be planned without
it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.domain.messages import Block

MediaType: TypeAlias = Literal[
    "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"
]

FILE_HELD_S = 24 * 3600.0
"""How long a file is kept that no conversation uses, from its upload on."""
NAME_CHARS = 200

_FILE_ID = re.compile(r"f-[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What the bytes of a file say of themselves. None: not of this kind, or not to be seen."""

    media_type: MediaType
    width: int | None = None
    height: int | None = None
    pages: int | None = None

    @property
    def block_type(self) -> Literal["image", "document"]:
        return "image" if self.media_type.startswith("image/") else "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """A file without its bytes. `sha256` is theirs in hexadecimal, `size` their number."""

    id: str
    sha256: str
    size: int
    media: Media
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    facts: FileFacts
    data: bytes


def file_of(principal: str, data: bytes, media: Media, name: str = "") -> File:
    """The file that these bytes are for this principal: the same bytes are the same file."""
    sha256 = hashlib.sha256(data).hexdigest()
    facts = FileFacts(
        id=file_id_of(principal, sha256), sha256=sha256, size=len(data), media=media, name=plain_name(name)
    )
    return File(facts=facts, data=data)


def file_id_of(principal: str, sha256: str) -> str:
    """An id that names its principal without telling who that is: 160 bits of a hash of both."""
    digest = hashlib.sha256(len(principal).to_bytes(4, "big") + principal.encode() + bytes.fromhex(sha256))
    return f"f-{digest.hexdigest()[:40]}"


def is_file_id(text: str) -> bool:
    """Whether it is spelled like one of ours; the provider's own begin with `file_`."""
    return _FILE_ID.fullmatch(text) is not None


def plain_name(name: str) -> str:
    """The last part of a path, without control characters, as short as a file system has it."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:NAME_CHARS]


def source_of(facts: FileFacts) -> dict[str, Any]:
    """The reference to a file as the log has it."""
    media = facts.media
    known = {"width": media.width, "height": media.height, "pages": media.pages}
    return {
        "type": "file",
        "file_id": facts.id,
        "media_type": media.media_type,
        "bytes": facts.size,
        **({"name": facts.name} if facts.name else {}),
        **{name: value for name, value in known.items() if value is not None},
    }


def block_of(facts: FileFacts, *, citations: bool = False) -> Block:
    """A file as a block of a message."""
    if facts.media.block_type == "image":
        return {"type": "image", "source": source_of(facts)}
    title = {"title": facts.name} if facts.name else {}
    cited = {"citations": {"enabled": True}} if citations else {}
    return {"type": "document", "source": source_of(facts), **title, **cited}


def attached_names(content: Iterable[Block]) -> list[str]:
    """What to call the files of a message where there is room for words alone."""
    blocks = (block for block in content if block.get("type") in ("image", "document"))
    return [_called(block) for block in blocks]


def _called(block: Block) -> str:
    source = block.get("source")
    name = source.get("name") if isinstance(source, dict) else None
    return str(block.get("title") or name or block.get("type"))


def file_ids(blocks: Iterable[Block]) -> Iterator[str]:
    """The files that these blocks refer to, also within results of tools and documents, in their order."""
    for block in blocks:
        source, parts = block.get("source"), block.get("content")
        if isinstance(source, dict):
            if source.get("type") == "file":
                yield str(source.get("file_id"))
            parts = source.get("content", parts)
        if isinstance(parts, list | tuple):
            yield from file_ids(part for part in parts if isinstance(part, dict))


def with_files(block: Block, change: Callable[[Block], Block]) -> Block:
    """The block with `change` made to each block in it that refers to a file; itself if there is none."""
    if next(file_ids([block]), None) is None:
        return block
    source, parts = block.get("source"), block.get("content")
    if isinstance(source, dict) and source.get("type") == "file":
        return change(block)
    if isinstance(source, dict) and isinstance(inner := source.get("content"), list | tuple):
        return {**block, "source": {**source, "content": [_within(part, change) for part in inner]}}
    return {**block, "content": [_within(part, change) for part in parts or ()]}


def _within(part: Any, change: Callable[[Block], Block]) -> Any:
    return with_files(part, change) if isinstance(part, dict) else part
