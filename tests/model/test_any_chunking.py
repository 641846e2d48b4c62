"""However the network cuts a stream, the same is heard."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.decode import EventDecoder
from antiphon.model.sse import Splitter
from antiphon.model.wire import StreamEvent
from tests.model.canned import BEGIN, FINISH, PING, frame, text_delta

TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), max_size=8
)

FIELD_LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b"data:  two",
        b"event: e",
        b"event:e",
        b": comment",
        b"id: 1",
        b"",
        b"",
        b"",
    ]
)


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def heard(pieces: Sequence[bytes]) -> tuple[list[StreamEvent], bool]:
    decoder = EventDecoder("req_1")
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events, decoder.finish() is None


@given(texts=TEXTS, places=st.lists(st.integers(0, 5000)), ends=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cut_of_a_message_is_heard_alike(texts: list[str], places: list[int], ends: bytes) -> None:
    odd = b": comment\n\n" + PING + frame("unknown_event", index=1)
    stream = BEGIN + odd + b"".join(map(text_delta, texts)) + odd + FINISH
    stream = stream.replace(b"\n", ends)
    assert heard(cut(stream, places)) == heard([stream])


@given(text=st.text("aé世👋", min_size=1, max_size=5))
def test_one_byte_at_a_time_is_enough(text: str) -> None:
    stream = BEGIN + text_delta(text) + FINISH
    events, whole = heard([stream[at : at + 1] for at in range(len(stream))])
    assert (events, whole) == heard([stream])
    assert whole


@given(
    lines=st.lists(st.tuples(FIELD_LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))),
    places=st.lists(st.integers(0, 500)),
)
def test_frames_are_those_of_the_standard(lines: list[tuple[bytes, bytes]], places: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    splitter = Splitter()
    frames = [found for piece in cut(stream, places) for found in splitter.feed(piece)]
    assert frames == by_the_standard(stream)


def by_the_standard(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The dispatch rules of the HTML standard, on the whole stream at once."""
    frames: list[tuple[bytes, bytes]] = []
    name, data = b"", None
    *lines, _ = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data is not None:
                frames.append((name, data))
            name, data = b"", None
        elif field == b"event":
            name = value
        elif field == b"data":
            data = value if data is None else data + b"\n" + value
    return frames


def test_a_byte_order_mark_is_not_part_of_the_first_event() -> None:
    splitter = Splitter()
    assert [found for piece in (b"\xef", b"\xbb\xbfdata: 1\n", b"\n") for found in splitter.feed(piece)] == [
        (b"", b"1")
    ]


def test_an_event_of_many_megabytes_is_put_together_once() -> None:
    result = "x" * 4_000_000
    stream = BEGIN + frame("content_block_start", index=1, content_block={"content": result}) + FINISH
    pieces = [stream[at : at + 1000] for at in range(0, len(stream), 1000)]
    events, whole = heard(pieces)
    assert whole
    assert len(events) == 6
