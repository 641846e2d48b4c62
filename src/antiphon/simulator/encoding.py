"""Compressed bodies, in both directions."""

import zlib

from antiphon.simulator.errors import ApiError

GZIP = 16 + zlib.MAX_WBITS
HEADERS = {"content-encoding": "gzip"}


class Compressor:
    """A gzip stream whose reader gets each part as soon as it is there."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(wbits=GZIP)

    def add(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._stream.flush(zlib.Z_FINISH)


def compressed(body: bytes) -> bytes:
    return zlib.compress(body, wbits=GZIP)


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """The body of a request that came with this `content-encoding`.

    Raises:
        ApiError: 413: it has more than `most` bytes; 400: it is not what it says.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise ApiError(400, f"content-encoding: {encoding!r} is not supported")
    stream = zlib.decompressobj(wbits=GZIP if encoding == "gzip" else zlib.MAX_WBITS)
    try:
        plain = stream.decompress(body, most)
    except zlib.error as error:
        raise ApiError(400, f"The request body is not valid {encoding}") from error
    if stream.unconsumed_tail:
        details = {"error_code": "request_body_too_large_after_decoding"}
        raise ApiError(413, "Request exceeds the maximum size", details=details)
    return plain
