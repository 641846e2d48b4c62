"""What was uploaded, and what a `file_id` in a request stands for. Source: the Files API page."""

import mimetypes
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from antiphon.simulator.clock import rfc3339
from antiphon.simulator.errors import ApiError
from antiphon.simulator.multipart import Part

SHORTEST_LIFE, LONGEST_LIFE = 3_600, 7_776_000
"""Seconds: an hour and ninety days."""

LONGEST_NAME = 255


class StoredFile(NamedTuple):
    id: str
    filename: str
    mime_type: str
    data: bytes
    created_at: float
    expires_at: float | None

    def metadata(self) -> dict[str, Any]:
        """The JSON of `GET /v1/files/{id}`."""
        return {
            "type": "file",
            "id": self.id,
            "filename": self.filename,
            "mime_type": self.mime_type,
            "size_bytes": len(self.data),
            "created_at": rfc3339(self.created_at),
            "expires_at": None if self.expires_at is None else rfc3339(self.expires_at),
            "downloadable": False,
        }


class Files:
    """Those of every organization. Nobody sees another's."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, StoredFile]] = {}
        self._count = 0

    def upload(self, organization: str, form: Mapping[str, Part], now: float) -> StoredFile:
        """Keep a file.

        Raises:
            ApiError: 400: there is none, or its life is too short or too long.
        """
        part = form.get("file")
        if part is None:
            raise ApiError(400, "file: Field required")
        if not part.data:
            raise ApiError(400, "file: a file must not be empty")
        self._count += 1
        name = part.filename or f"unnamed{mimetypes.guess_extension(part.mime_type) or ''}"
        if len(name) > LONGEST_NAME:
            raise ApiError(400, f"file: a name has at most {LONGEST_NAME} characters")
        life = _life(form)
        file = StoredFile(
            id=f"file_sim_{self._count:06}",
            filename=name,
            mime_type=_mime_type(part),
            data=part.data,
            created_at=now,
            expires_at=None if life is None else now + life,
        )
        self._files.setdefault(organization, {})[file.id] = file
        return file

    def all_of(self, organization: str, now: float) -> list[StoredFile]:
        """The newest first."""
        kept = self._files.get(organization, {}).values()
        return [file for file in reversed(kept) if file.expires_at is None or file.expires_at > now]

    def get(self, organization: str, file_id: str, now: float) -> StoredFile:
        """Raises ApiError: 404: it is not there, or not any more."""
        file = self._files.get(organization, {}).get(file_id)
        if file is None:
            raise ApiError(404, f"File not found: {file_id}")
        if file.expires_at is not None and file.expires_at <= now:
            raise ApiError(404, f"File has expired: {file_id}", details={"error_code": "file_expired"})
        return file

    def delete(self, organization: str, file_id: str, now: float) -> None:
        """Raises ApiError: 404."""
        self.get(organization, file_id, now)
        del self._files[organization][file_id]

    def filled_in(self, value: Any, organization: str, now: float) -> Any:
        """A request with the content of its files in their place: from there on they are like any other.

        Raises:
            ApiError: 404: a file is not there; 400: it is not of the kind that its block shows.
        """
        match value:
            case {"type": "container_upload", "file_id": str(file_id)}:
                self.get(organization, file_id, now)
                return value
            case {"type": kind, "source": {"type": "file", "file_id": str(file_id)}}:
                return {**value, "source": _source(str(kind), self.get(organization, file_id, now))}
            case dict():
                return {key: self.filled_in(inner, organization, now) for key, inner in value.items()}
            case list():
                return [self.filled_in(inner, organization, now) for inner in value]
            case _:
                return value


def _life(form: Mapping[str, Part]) -> int | None:
    part = form.get("expires_in_seconds")
    if part is None:
        return None
    text = part.data.decode("latin-1").strip()
    life = int(text) if text.isdecimal() else 0
    if not SHORTEST_LIFE <= life <= LONGEST_LIFE:
        raise ApiError(400, f"expires_in_seconds: Input should be from {SHORTEST_LIFE} to {LONGEST_LIFE}")
    return life


def _mime_type(part: Part) -> str:
    if part.mime_type not in ("application/octet-stream", "text/plain"):
        return part.mime_type
    return mimetypes.guess_type(part.filename or "")[0] or part.mime_type


def _source(kind: str, file: StoredFile) -> dict[str, str]:
    """What a block of this kind would hold if the file stood in it."""
    is_image = file.mime_type.startswith("image/")
    if kind == "document" and file.mime_type.startswith("text/"):
        text = file.data.decode(errors="replace")
        return {"type": "text", "media_type": "text/plain", "data": text}
    if (kind == "image" and is_image) or (kind == "document" and file.mime_type == "application/pdf"):
        data = b64encode(file.data).decode()
        return {"type": "base64", "media_type": file.mime_type, "data": data}
    raise ApiError(400, f"File {file.id} is {file.mime_type}, which cannot stand in a block of type {kind!r}")
