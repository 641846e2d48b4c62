"""What a file is, told by its bytes: also where they lie."""

import struct
import zlib

import pytest

from antiphon.domain.files import Media
from antiphon.domain.media import IMAGE_BASE64_MAX, read_media
from antiphon.errors import InvalidRequest, TooLarge
from tests.samples import gif, jpeg, pdf, png, png_that_says, webp


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (png(70, 50), Media(media_type="image/png", width=70, height=50)),
        (jpeg(70, 50), Media(media_type="image/jpeg", width=70, height=50)),
        (gif(70, 50), Media(media_type="image/gif", width=70, height=50)),
        *[
            (webp(70, 50, kind), Media(media_type="image/webp", width=70, height=50))
            for kind in ("VP8X", "VP8L", "VP8")
        ],
        (pdf(3), Media(media_type="application/pdf", pages=3)),
        (pdf(12, packed=True), Media(media_type="application/pdf", pages=12)),
        ("Grüße, 你好 🙂\r\n\tx".encode(), Media(media_type="text/plain")),
        ("\ufeffwith a mark".encode(), Media(media_type="text/plain")),
        (b"\x1b[31mred\x1b[0m", Media(media_type="text/plain")),
        (b"<svg onload='alert(1)'/>", Media(media_type="text/plain")),
        (b"<!doctype html><script>alert(1)</script>", Media(media_type="text/plain")),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, media: Media) -> None:
    assert read_media(data) == media


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n\t ",
        b"\0" * 100,
        b"text with a \0 in it",
        b"\x7fELF\x02\x01\x01" + b"\0" * 60,
        b"PK\x03\x04" + b"\0" * 60,
        "caf\u00e9".encode("latin-1"),
        "wide".encode("utf-16"),
        b"\x08\x07 bells",
        b"  %PDF-1.7 not at the beginning\0%%EOF",
    ],
)
def test_what_claude_cannot_read_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Nothing was stored"):
        read_media(data)


WHOLE = {
    "png": png(70, 50),
    "jpeg": jpeg(),
    "webp": webp(),
    "webp lossless": webp(kind="VP8L"),
    "pdf": pdf(2),
    "packed pdf": pdf(2, packed=True),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_cut_off_anywhere_is_refused(kind: str) -> None:
    whole = WHOLE[kind]
    for length in range(12, len(whole) - 1):
        with pytest.raises(InvalidRequest, match="cut off"):
            read_media(whole[:length])


@pytest.mark.parametrize(
    ("width", "height"), [(8001, 1), (1, 8001), (50_000, 50_000), (2**32 - 1, 2**32 - 1)]
)
def test_an_image_that_says_it_is_huge_is_refused_without_being_unpacked(width: int, height: int) -> None:
    with pytest.raises(TooLarge, match=f"{width:,} x {height:,} pixels"):
        read_media(png_that_says(width, height))


def test_an_image_without_a_pixel_is_damaged() -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        read_media(png_that_says(0, 5))


def test_files_beyond_what_claude_takes_are_refused() -> None:
    image = png()
    room = IMAGE_BASE64_MAX * 3 // 4
    assert read_media(image + bytes(room - len(image))).width == 3
    with pytest.raises(TooLarge, match=r"an image of at most 7\.9 MB"):
        read_media(image + bytes(room - len(image) + 1))
    with pytest.raises(TooLarge, match="a file of at most"):
        read_media(b"a" * 22_500_001)
    assert read_media(pdf(600, packed=True)).pages == 600
    with pytest.raises(TooLarge, match="601 pages"):
        read_media(pdf(601))


def test_a_locked_pdf_is_told() -> None:
    for more in (b"/Encrypt 9 0 R ", b"/Encrypt << /Filter /Standard >> "):
        with pytest.raises(InvalidRequest, match="locked"):
            read_media(pdf(more=more))


def test_a_page_that_was_written_anew_counts_once() -> None:
    assert read_media(pdf(2) + b"3 0 obj\n<< /Type /Page /Rotate 90 >>\nendobj\n%%EOF\n").pages == 2


def test_a_stream_that_unpacks_to_gigabytes_is_not_followed() -> None:
    bomb = zlib.compress(b"/Type /Page " * 10_000_000)
    data = b"%PDF-1.7\n1 0 obj\n<< /Type /ObjStm >>\nstream\n" + bomb + b"\nendstream\nendobj\n%%EOF"
    assert read_media(data) == Media(media_type="application/pdf", pages=None)


def test_a_file_that_is_two_things_is_the_one_it_begins_with() -> None:
    script = b"<script>alert(1)</script>"
    assert read_media(gif() + script + pdf()).media_type == "image/gif"
    assert read_media(pdf(more=b"/X (" + script + b") ")).media_type == "application/pdf"
    comment = struct.pack(">I", len(script)) + b"tEXt" + script + b"\0\0\0\0"
    image = png()
    assert read_media(image[:33] + comment + image[33:] + pdf()).media_type == "image/png"
