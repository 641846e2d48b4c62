"""Forms with files, as uploads come."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple

from antiphon.simulator.errors import ApiError


class Part(NamedTuple):
    data: bytes
    filename: str | None
    """Without folders; None for a field that is no file."""
    mime_type: str


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The fields of a `multipart/form-data` body by name.

    Raises:
        ApiError: 400: it is none.
    """
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1")
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    if form.get_content_type() != "multipart/form-data" or not form.is_multipart():
        raise ApiError(400, "The body should be multipart/form-data with a field `file`")
    return {
        str(_parameter(part, "name")): _read(part) for part in form.get_payload() if isinstance(part, Message)
    }


def _read(part: Message) -> Part:
    data = part.get_payload(decode=True)
    filename = _parameter(part, "filename")
    if filename is not None:
        filename = filename.replace("\\", "/").rpartition("/")[2]
    return Part(data if isinstance(data, bytes) else b"", filename, part.get_content_type())


def _parameter(part: Message, name: str) -> str | None:
    value = part.get_param(name, header="content-disposition")
    return value if isinstance(value, str) or value is None else value[2]
