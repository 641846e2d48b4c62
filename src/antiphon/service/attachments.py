"""What a program or a person at a terminal attaches: files of theirs, to blocks of a message."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from antiphon.domain.files import block_of
from antiphon.domain.media import REQUEST_BASE64_MAX
from antiphon.domain.messages import Block, clean_text, text_block
from antiphon.errors import InvalidRequest, TooLarge
from antiphon.service.verbs import Service

Attachment: TypeAlias = str | os.PathLike[str] | bytes
"""The path of a file, or its bytes."""

MOST = REQUEST_BASE64_MAX * 3 // 4
"""Bytes: no file that is larger can be sent, so none is read."""


async def content_with(
    service: Service,
    principal: str,
    text: str,
    attachments: Sequence[Attachment],
    *,
    citations: bool = False,
) -> str | list[Block]:
    """A message with files before its text, where Claude reads them best; `citations` of all documents.

    Raises:
        InvalidRequest, TooLarge: one cannot be read, or not by Claude; no file is kept.
    """
    if not attachments:
        return text
    given = [await asyncio.to_thread(read_attachment, attachment) for attachment in attachments]
    facts = await service.upload_all(principal, given)
    blocks = [block_of(known, citations=citations) for known in facts]
    return [*blocks, text_block(text)] if text.strip() else blocks


def read_attachment(attachment: Attachment) -> tuple[bytes, str]:
    """Its bytes and its name. Raises InvalidRequest, TooLarge."""
    if isinstance(attachment, bytes):
        return attachment, ""
    path = Path(attachment)
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise InvalidRequest(f"{path} cannot be read ({why}). Nothing was sent.") from None
    if len(data) > MOST:
        raise TooLarge(
            f"{path.name} has more than the {MOST / 1e6:.1f} MB that Claude takes of a file. Nothing was "
            "sent."
        )
    return data, clean_text(path.name)
