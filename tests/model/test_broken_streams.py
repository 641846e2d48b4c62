"""A stream that ends in any other way than Claude's is a failure, and says which."""

import json
from typing import Any

import pytest

from antiphon.errors import AnswerError, UpstreamAuth, UpstreamBusy, UpstreamFailed, UpstreamRejected
from tests.model.canned import BEGIN, END, ENDING, FINISH, chunk, frame, head, reply, text_delta
from tests.model.conftest import Listener
from tests.model.player import Player, Step

SAID = chunk(BEGIN + text_delta("Hel"))

CUTS: dict[str, tuple[Step, ...]] = {
    "the connection closes between two HTTP chunks": (head(), SAID),
    "the connection closes within an HTTP chunk": (head(), SAID, b"ff\r\nevent: "),
    "the connection is reset": (head(), SAID, "reset"),
    "the body ends without message_stop": (head(), SAID, END),
    "the body ends with the last event unfinished": (head(), SAID, chunk(FINISH[:-1]), END),
    "the connection closes in place of the body's end": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_1\r\n\r\n",
        BEGIN + text_delta("Hel"),
    ),
    "the message stops without a stop reason": (head(), SAID, chunk(frame("message_stop")), END),
}


@pytest.mark.parametrize("steps", CUTS.values(), ids=CUTS.keys())
async def test_a_cut_is_noticed(player: Player, listener: Listener, steps: tuple[Step, ...]) -> None:
    player.plays(*steps)
    with pytest.raises(UpstreamFailed, match="broke before the answer was complete") as caught:
        await listener.hear()
    assert listener.text == "Hel"
    assert caught.value.facts == {"began": True, "sent": True, "request_id": "req_1"}
    assert caught.value.retryable


async def test_a_body_that_ends_before_it_begins_is_a_cut(player: Player, listener: Listener) -> None:
    player.plays(head(), END)
    with pytest.raises(UpstreamFailed) as caught:
        await listener.hear()
    assert caught.value.facts["began"]


async def test_silence_within_an_answer_is_a_stall(player: Player, impatient: Listener) -> None:
    player.plays(head(), SAID, "hang")
    with pytest.raises(UpstreamFailed, match="sent nothing for too long") as caught:
        await impatient.hear()
    assert impatient.text == "Hel"
    assert caught.value.facts == {"began": True, "sent": True, "request_id": "req_1"}
    await player.client_is_gone()


@pytest.mark.parametrize(
    ("kind", "error", "retryable"),
    [
        ("overloaded_error", UpstreamBusy, True),
        ("rate_limit_error", UpstreamBusy, True),
        ("api_error", UpstreamFailed, True),
        ("timeout_error", UpstreamFailed, True),
        ("some_error_of_the_future", UpstreamFailed, True),
        ("invalid_request_error", UpstreamRejected, False),
        ("authentication_error", UpstreamAuth, False),
        ("billing_error", UpstreamRejected, False),
    ],
)
@pytest.mark.parametrize("before", [b"", BEGIN + text_delta("Hel")], ids=["first", "after deltas"])
async def test_an_error_event_says_what_failed(
    player: Player, listener: Listener, kind: str, error: type[AnswerError], *, retryable: bool, before: bytes
) -> None:
    player.plays(head(), chunk(before + frame("error", error={"type": kind, "message": "No."})), "hang")
    with pytest.raises(error) as caught:
        await listener.hear()
    assert listener.text == ("Hel" if before else "")
    assert type(caught.value).retryable is retryable
    assert caught.value.facts == {
        "began": True,
        "sent": True,
        "status": 200,
        "error_type": kind,
        "request_id": "req_1",
    }


async def test_an_error_event_in_another_dialect_is_an_error(player: Player, listener: Listener) -> None:
    data = json.dumps({"code": 500, "type": "server_error", "message": "out of memory"})
    player.plays(head(), SAID, chunk(f"event: error\ndata: {data}\n\n".encode()), END)
    with pytest.raises(UpstreamFailed) as caught:
        await listener.hear()
    assert caught.value.facts["error_type"] == "server_error"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"event: content_block_delta\ndata: {\n\n",
        b"data: <html>\n\n",
        frame("content_block_delta", index="first"),
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
    ids=["half a document", "a page", "a wrong type", "without bottom"],
)
async def test_what_cannot_be_read_is_a_failure(player: Player, listener: Listener, nonsense: bytes) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("Hel") + nonsense + FINISH), END)
    with pytest.raises(UpstreamFailed, match="cannot be read"):
        await listener.hear()
    assert listener.text == "Hel"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/html", "<html>Welcome to the hotel</html>"), ("application/json", '{"type": "message"}')],
)
async def test_a_success_that_is_no_stream_is_a_failure(
    player: Player, listener: Listener, content_type: str, body: str
) -> None:
    player.plays(*reply(200, body, f"{content_type}; charset=utf-8"))
    with pytest.raises(UpstreamFailed, match=content_type) as caught:
        await listener.hear()
    assert caught.value.facts["began"]
    assert "hotel" not in str(caught.value)


async def test_a_body_that_cannot_be_unpacked_is_a_failure(player: Player, listener: Listener) -> None:
    player.plays(head(content_encoding="gzip"), chunk(BEGIN + ENDING), END)
    with pytest.raises(UpstreamFailed, match="cannot be read"):
        await listener.hear()


WRONG_BLOCKS: dict[str, dict[str, Any]] = {
    "a type in a list": {"type": ["text"]},
    "a number for a type": {"type": 1},
    "a number for a text": {"type": "text", "text": 5},
    "a text in a list": {"type": "text", "text": ["Hello"]},
    "truth for a text": {"type": "text", "text": True},
    "no truth for a text": {"type": "text", "text": False},
    "a number for thinking": {"type": "thinking", "thinking": 5},
    "an object for a signature": {"type": "thinking", "thinking": "", "signature": {}},
    "a number for an input": {"type": "tool_use", "id": "toolu_1", "name": "weather", "partial_json": 5},
    "a number for citations": {"type": "text", "text": "", "citations": 5},
}


@pytest.mark.parametrize("block", WRONG_BLOCKS.values(), ids=WRONG_BLOCKS.keys())
async def test_a_block_of_wrong_types_is_a_failure(
    player: Player, listener: Listener, block: dict[str, Any]
) -> None:
    wrong = frame("content_block_stop", index=0) + frame("content_block_start", index=1, content_block=block)
    player.plays(head(), chunk(BEGIN + text_delta("Hel") + wrong + FINISH), END)
    with pytest.raises(UpstreamFailed, match="cannot be read") as caught:
        await listener.hear()
    assert listener.text == "Hel"
    assert caught.value.facts == {"began": True, "sent": True, "request_id": "req_1"}


WRONG_ITERATIONS: dict[str, Any] = {
    "a word": "x",
    "a number": 5,
    "an object": {"input_tokens": 1},
    "nothing": {},
    "a list of nulls": [None],
    "a list with a number": [{"input_tokens": 1}, 5],
}


@pytest.mark.parametrize("iterations", WRONG_ITERATIONS.values(), ids=WRONG_ITERATIONS.keys())
@pytest.mark.parametrize("where", ["beginning", "end"])
async def test_iterations_that_are_no_list_of_objects_are_a_failure(
    player: Player, listener: Listener, where: str, iterations: Any
) -> None:
    usage = {"output_tokens": 5, "iterations": iterations}
    frames = {
        "beginning": frame("message_start", message={"id": "msg_1", "usage": usage}) + FINISH,
        "end": BEGIN + frame("message_delta", delta={"stop_reason": "end_turn"}, usage=usage) + FINISH,
    }
    player.plays(head(), chunk(frames[where]), END)
    with pytest.raises(UpstreamFailed, match="cannot be read"):
        await listener.hear()


@pytest.mark.parametrize("iterations", [None, [], [{"type": "message", "output_tokens": 5}]])
async def test_iterations_may_be_absent(player: Player, listener: Listener, iterations: Any) -> None:
    ending = frame("message_delta", delta={"stop_reason": "end_turn"}, usage={"iterations": iterations})
    player.plays(head(), chunk(BEGIN + ending + frame("message_stop")), END)
    assert len(await listener.hear()) == 4
