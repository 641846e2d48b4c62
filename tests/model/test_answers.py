"""What Claude says arrives as it was said."""

import gzip
import json

from antiphon.domain.plans import RequestPlan
from antiphon.model import wire
from tests.model.canned import BEGIN, END, ENDING, FINISH, PING, PLAN, chunk, frame, head, text_delta
from tests.model.conftest import KEY, Listener
from tests.model.player import Player


async def test_an_answer_comes_event_by_event(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("Hel") + text_delta("lo, 世界 👋") + FINISH), END)
    assert await listener.hear() == [
        wire.MessageStart(
            message=wire.MessageHead(
                id="msg_1", model="claude-sonnet-5-5", usage={"input_tokens": 10, "output_tokens": 1}
            ),
            request_id="req_1",
        ),
        wire.BlockStart(index=0, content_block={"type": "text", "text": ""}),
        wire.BlockDelta(index=0, delta={"type": "text_delta", "text": "Hel"}),
        wire.BlockDelta(index=0, delta={"type": "text_delta", "text": "lo, 世界 👋"}),
        wire.BlockStop(index=0),
        wire.MessageDelta(delta=wire.Ending(stop_reason="end_turn"), usage={"output_tokens": 5}),
        wire.MessageStop(),
    ]


async def test_what_arrives_together_is_given_together(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("a") + text_delta("b") + FINISH), END)
    await listener.hear()
    assert len(listener.batches) == 1


async def test_thinking_and_tool_use_keep_every_field(player: Player, listener: Listener) -> None:
    said = [
        frame(
            "content_block_start",
            index=0,
            content_block={"type": "thinking", "thinking": "", "signature": ""},
        ),
        frame("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm."}),
        frame("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "EqQB=="}),
        frame("content_block_stop", index=0),
        frame(
            "content_block_start",
            index=1,
            content_block={"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}},
        ),
        frame(
            "content_block_delta",
            index=1,
            delta={"type": "input_json_delta", "partial_json": '{"a": "\\u00e4'},
        ),
        frame("content_block_stop", index=1),
    ]
    player.plays(head(), chunk(BEGIN), *map(chunk, said), chunk(ENDING + frame("message_stop")), END)
    heard = await listener.hear()
    assert wire.BlockDelta(index=0, delta={"type": "signature_delta", "signature": "EqQB=="}) in heard
    assert (
        wire.BlockDelta(index=1, delta={"type": "input_json_delta", "partial_json": '{"a": "\\u00e4'})
        in heard
    )
    assert (
        wire.BlockStart(
            index=1, content_block={"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
        )
        in heard
    )


async def test_blocks_and_deltas_of_the_future_pass_untouched(player: Player, listener: Listener) -> None:
    block = {"type": "hologram", "frames": [{"x": 1.5, "y": None}]}
    delta = {"type": "hologram_delta", "dx": [1, 2]}
    player.plays(
        head(),
        chunk(BEGIN + frame("content_block_start", index=1, content_block=block)),
        chunk(frame("content_block_delta", index=1, delta=delta) + FINISH),
        END,
    )
    heard = await listener.hear()
    assert wire.BlockStart(index=1, content_block=block) in heard
    assert wire.BlockDelta(index=1, delta=delta) in heard


async def test_pings_comments_and_events_of_the_future_are_passed_over(
    player: Player, listener: Listener
) -> None:
    noise = (
        PING + b": still here\n\n" + frame("weather", sky="blue") + b"event: note\ndata: not even JSON\n\n"
    )
    noise += b'id: 7\nretry: 10\n\ndata: {"of": "no type"}\n\n'
    player.plays(head(), chunk(noise + BEGIN + noise + text_delta("Hi") + noise + FINISH), END)
    await listener.hear()
    assert (len(listener.heard), listener.text) == (6, "Hi")


async def test_events_without_a_name_are_heard(player: Player, listener: Listener) -> None:
    whole = BEGIN + text_delta("Hi") + FINISH
    nameless = b"\n".join(line for line in whole.split(b"\n") if not line.startswith(b"event:"))
    player.plays(head(), chunk(nameless), END)
    await listener.hear()
    assert listener.text == "Hi"


async def test_the_name_tells_the_type_where_the_data_do_not(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("Hi") + ENDING + b"event: message_stop\ndata: {}\n\n"), END)
    await listener.hear()
    assert listener.text == "Hi"


async def test_windows_line_ends_and_data_over_several_lines_are_heard(
    player: Player, listener: Listener
) -> None:
    spread = b'data:{"type":"content_block_delta",\r\ndata: "index":0,\ndata:"delta":{"text":"Hi"}}\r\n\r\n'
    player.plays(head(), chunk(BEGIN.replace(b"\n", b"\r\n") + spread + FINISH.replace(b"\n", b"\r")), END)
    await listener.hear()
    assert listener.text == "Hi"


async def test_nul_and_lone_surrogates_become_replacement_characters(
    player: Player, listener: Listener
) -> None:
    said = text_delta("HERE").replace(b"HERE", rb"a\u0000b\ud83dc\udc00") + text_delta("HERE").replace(
        b"HERE", b"\xff"
    )
    player.plays(head(), chunk(BEGIN + said + FINISH), END)
    await listener.hear()
    assert listener.text == "a\ufffdb\ufffdc\ufffd\ufffd"


async def test_null_counts_as_absent(player: Player, listener: Listener) -> None:
    start = b'data: {"type":"message_start","message":{"id":"msg_1","model":null,"usage":null}}\n\n'
    player.plays(head(), chunk(start + ENDING + frame("message_stop")), END)
    heard = await listener.hear()
    assert heard[0] == wire.MessageStart(message=wire.MessageHead(id="msg_1"), request_id="req_1")


async def test_nothing_is_heard_after_the_message_has_stopped(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + FINISH + text_delta("ghost")), chunk(frame("error", error={})), END)
    heard = await listener.hear()
    assert heard[-1] == wire.MessageStop()
    assert listener.text == ""


async def test_a_server_that_never_ends_the_body_holds_nobody_up(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("Hi") + FINISH), "hang")
    await listener.hear()
    assert listener.text == "Hi"


async def test_one_connection_serves_one_turn_after_the_other(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + text_delta("Hi ") + FINISH), END)
    await listener.hear()
    await listener.hear()
    assert (player.connections, listener.text) == (1, "Hi Hi ")


async def test_a_compressed_stream_is_unpacked_though_none_is_asked_for(
    player: Player, listener: Listener
) -> None:
    player.plays(head(content_encoding="gzip"), chunk(gzip.compress(BEGIN + text_delta("Hi") + FINISH)), END)
    await listener.hear()
    assert listener.text == "Hi"
    assert player.requests[0].headers["accept-encoding"] == "identity"


async def test_the_plan_is_what_claude_is_asked(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + FINISH), END)
    plan = RequestPlan(
        model="claude-opus-5-5",
        max_tokens=1000,
        messages=PLAN.messages,
        system=({"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},),
        tools=({"name": "add", "input_schema": {"type": "object"}},),
        options={
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "low"},
            "stop_sequences": ["END"],
        },
    )
    await listener.hear(plan)
    [request] = player.requests
    assert request.line == "POST /v1/messages HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-stainless-retry-count"] == "0"
    assert request.body == {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "messages": list(plan.messages),
        "system": list(plan.system),
        "tools": list(plan.tools),
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
        "stop_sequences": ["END"],
        "stream": True,
    }


async def test_a_plain_question_is_asked_plainly(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + FINISH), END)
    await listener.hear()
    assert set(player.requests[0].body) == {"model", "max_tokens", "messages", "stream"}


async def test_options_that_the_sdk_does_not_know_go_to_claude_as_they_are(
    player: Player, listener: Listener
) -> None:
    player.plays(head(), chunk(BEGIN + FINISH), END)
    options = {"temperature": 0.5, "timeout": 1, "extra_headers": {"authorization": "Bearer other"}}
    await listener.hear(RequestPlan(model="m", max_tokens=1, messages=PLAN.messages, options=options))
    [request] = player.requests
    assert {name: request.body[name] for name in options} == options
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_an_option_cannot_replace_what_the_plan_decides(player: Player, listener: Listener) -> None:
    player.plays(head(), chunk(BEGIN + FINISH), END)
    options = {"model": "other", "max_tokens": 9, "messages": [], "stream": False}
    await listener.hear(RequestPlan(model="m", max_tokens=1, messages=PLAN.messages, options=options))
    body = player.requests[0].body
    assert (body["model"], body["max_tokens"], body["stream"]) == ("m", 1, True)
    assert json.dumps(body["messages"]) == json.dumps(list(PLAN.messages))
