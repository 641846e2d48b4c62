"""Files of a message, as a client names them, to references that the log can hold."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from antiphon.context.media import check_media
from antiphon.domain.files import File, FileFacts, file_ids, file_of, is_file_id, source_of, with_files
from antiphon.domain.media import read_media
from antiphon.domain.messages import Block
from antiphon.errors import InputError, InvalidRequest
from antiphon.stores.base import Files
from antiphon.stores.projection import no_file

AT_ONCE = 2
"""How many files are looked at together: each has a core to itself while that is done."""

FOREIGN = (
    "file_id must be one that POST /v1/files gave; ids of Claude's own Files API are not taken. Nothing was "
    "stored; attach the file here."
)


class Attaching:
    def __init__(self, files: Files) -> None:
        self._files = files
        self._looking = asyncio.Semaphore(AT_ONCE)

    async def upload(self, principal: str, data: bytes, name: str = "") -> FileFacts:
        """Keep a file for a day, and then as long as a conversation refers to it.

        Raises:
            InvalidRequest, TooLarge: Claude cannot read it.
        """
        (facts,) = await self.upload_all(principal, [(data, name)])
        return facts

    async def upload_all(self, principal: str, given: Sequence[tuple[bytes, str]]) -> list[FileFacts]:
        """The same for several, each with its name: all are looked at before the first is kept."""
        files = [await self._looked_at(principal, data, name) for data, name in given]
        for file in files:
            await self._files.put_file(principal, file)
        return [file.facts for file in files]

    async def _looked_at(self, principal: str, data: bytes, name: str) -> File:
        async with self._looking:
            try:
                media = await asyncio.to_thread(read_media, data)
            except InputError as error:
                raise type(error)(f"{name}: {error.detail}") if name else error from None
            return await asyncio.to_thread(file_of, principal, data, media, name)

    async def attached(self, principal: str, content: Sequence[Block], window: int | None) -> Sequence[Block]:
        """The content with references to files of this principal in place of all bytes.

        Raises:
            InvalidRequest, TooLarge: Claude would not take it. NotFound: there is no such file.
        """
        if all(block.get("type") == "text" for block in content):
            return content
        for block in content:
            _check(block)
        held = [await self._held(principal, block) for block in content]
        facts = await self._files.file_facts(principal, list(dict.fromkeys(file_ids(held))))
        referring = [_plain(with_files(block, lambda found: referred(found, facts))) for block in held]
        check_media(referring, window)
        return referring

    async def _held(self, principal: str, block: Block) -> Block:
        """The block with its bytes, and those of what is in it, kept as files."""
        source, content = block.get("source"), block.get("content")
        match source:
            case {"type": "base64", "data": str(data)}:
                facts = await self.upload(principal, _decoded(data), str(block.get("title") or ""))
                return {**block, "source": source_of(facts)}
            case {"type": "content", "content": list() as parts, **rest}:
                held = [await self._held(principal, part) for part in parts]
                return {**block, "source": {"type": "content", "content": held, **rest}}
            case _ if isinstance(content, list):
                return {**block, "content": [await self._held(principal, part) for part in content]}
            case _:
                return block


def referred(block: Block, facts: Mapping[str, FileFacts]) -> Block:
    """A block with all that is known of its file. Raises NotFound, InvalidRequest (of another kind)."""
    known = facts.get(str(block["source"].get("file_id")))
    if known is None:
        raise no_file()
    if known.media.block_type != block.get("type"):
        raise InvalidRequest(
            f"A file of the type {known.media.media_type} goes into a block of the type "
            f"{known.media.block_type}, not {block.get('type')}. Nothing was stored."
        )
    return {**block, "source": source_of(known)}


def _plain(block: Block) -> Block:
    """The Messages API knows nothing of an image but its source."""
    return {"type": "image", "source": block["source"]} if block.get("type") == "image" else block


def _check(block: Block) -> None:
    """Raises InvalidRequest: a source that no client may give."""
    kind, source, content = block.get("type"), block.get("source"), block.get("content")
    if kind in ("image", "document") or isinstance(source, dict):
        match source:
            case {"type": "file", "file_id": str(file_id)}:
                if not is_file_id(file_id):
                    raise InvalidRequest(FOREIGN)
            case {"type": "base64", "data": str()} | {"type": "url", "url": str()}:
                pass
            case {"type": "text", "data": str()} | {"type": "content", "content": str()}:
                if kind != "document":
                    raise InvalidRequest(_NO_SOURCE)
            case {"type": "content", "content": list() as parts} if kind == "document":
                _check_all(parts)
            case _:
                raise InvalidRequest(_NO_SOURCE)
    if isinstance(content, list):
        _check_all(content)


_NO_SOURCE = (
    "The source of an image must be of the type file, base64 or url; that of a document may also be text or "
    "content. Nothing was stored."
)


def _check_all(parts: Sequence[Any]) -> None:
    for part in parts:
        if not isinstance(part, dict):
            raise InvalidRequest("Content within a block must be a list of blocks. Nothing was stored.")
        _check(part)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("The data of a file is not base64. Nothing was stored.") from None
