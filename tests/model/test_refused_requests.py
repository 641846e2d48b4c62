"""What Claude answers instead of an answer becomes one of our errors, with a sentence for people."""

import json
from typing import Any

import pytest

from antiphon.errors import (
    AnswerError,
    SpendLimitReached,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.model.client import ClaudeUpstream
from tests.model.canned import END, chunk, frame, head, refusal, reply
from tests.model.conftest import KEY, Listener
from tests.model.player import Player

STATUSES: list[tuple[int, str, type[AnswerError]]] = [
    (400, "invalid_request_error", UpstreamRejected),
    (401, "authentication_error", UpstreamAuth),
    (402, "billing_error", SpendLimitReached),
    (403, "permission_error", UpstreamAuth),
    (404, "not_found_error", UpstreamRejected),
    (408, "", UpstreamFailed),
    (409, "conflict_error", UpstreamFailed),
    (412, "", UpstreamRejected),
    (413, "request_too_large", UpstreamRejected),
    (418, "", UpstreamRejected),
    (422, "invalid_request_error", UpstreamRejected),
    (429, "rate_limit_error", UpstreamBusy),
    (431, "", UpstreamRejected),
    (499, "", UpstreamFailed),
    (500, "api_error", UpstreamFailed),
    (500, "overloaded_error", UpstreamBusy),
    (501, "", UpstreamFailed),
    (502, "", UpstreamFailed),
    (503, "", UpstreamFailed),
    (504, "timeout_error", UpstreamFailed),
    (529, "overloaded_error", UpstreamBusy),
    (599, "an_error_of_the_future", UpstreamFailed),
]


@pytest.mark.parametrize(("status", "kind", "error"), STATUSES)
async def test_every_status_has_its_error(
    player: Player, listener: Listener, status: int, kind: str, error: type[AnswerError]
) -> None:
    player.plays(*refusal(status, kind))
    with pytest.raises(AnswerError) as caught:
        await listener.hear()
    assert type(caught.value) is error
    facts = {
        "began": False,
        "sent": True,
        "status": status,
        "error_type": kind or None,
        "request_id": "req_1",
    }
    assert caught.value.facts == {name: value for name, value in facts.items() if value is not None}
    assert "is unchanged; " in str(caught.value)
    assert len(player.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "enforced_spend_limit_reached"),
        (429, "contract_spend_limit_reached"),
        (402, "linked_organization_spend_limit_reached"),
        (402, "linked_organization_billing_unavailable"),
    ],
)
async def test_a_spending_limit_is_not_tried_again(
    player: Player, listener: Listener, status: int, code: str
) -> None:
    player.plays(*refusal(status, "rate_limit_error", "Limit until December 1.", code))
    with pytest.raises(SpendLimitReached, match="until December 1") as caught:
        await listener.hear()
    assert not caught.value.retryable
    assert caught.value.facts["error_code"] == code


async def test_a_spending_limit_within_a_stream_is_not_tried_again(
    player: Player, listener: Listener
) -> None:
    error = {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}
    player.plays(head(), chunk(frame("error", error=error)), END)
    with pytest.raises(SpendLimitReached):
        await listener.hear()


async def test_any_other_limit_is_tried_again(player: Player, listener: Listener) -> None:
    player.plays(*refusal(429, "rate_limit_error", code="ramp_limit_exceeded"))
    with pytest.raises(UpstreamBusy) as caught:
        await listener.hear()
    assert caught.value.retryable


class NoonClock:
    """It is 12:00:00 UTC on 22 November 2026."""

    def now(self) -> float:
        return 1_795_348_800.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "1500", "retry_after": "7"}, 1.5),
        ({"retry_after": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60.0),
        ({"retry_after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
)
async def test_what_claude_asks_to_wait_is_known_in_seconds(
    player: Player, headers: dict[str, str], seconds: float | None
) -> None:
    claude = ClaudeUpstream(api_key=KEY, base_url=player.url, clock=NoonClock())
    player.plays(*refusal(429, "rate_limit_error", **headers))
    with pytest.raises(UpstreamBusy) as caught:
        await Listener(claude).hear()
    await claude.close()
    assert caught.value.facts.get("retry_after") == seconds


@pytest.mark.parametrize(
    ("seconds", "words"), [("0", "in a moment"), ("41.2", "in 42 seconds"), ("3600", "in 60 minutes")]
)
async def test_a_wait_is_told_to_the_person(
    player: Player, listener: Listener, seconds: str, words: str
) -> None:
    player.plays(*refusal(429, "rate_limit_error", retry_after=seconds))
    with pytest.raises(UpstreamBusy, match=f"send it again {words}"):
        await listener.hear()


async def test_the_advice_on_retries_is_kept(player: Player, listener: Listener) -> None:
    player.plays(*refusal(500, "api_error", x_should_retry="false"))
    with pytest.raises(UpstreamFailed) as caught:
        await listener.hear()
    assert caught.value.facts["should_retry"] is False


@pytest.mark.parametrize("status", [413, 502, 503])
async def test_a_page_instead_of_an_error_is_not_shown(
    player: Player, listener: Listener, status: int
) -> None:
    player.plays(*reply(status, "<html><h1>nginx</h1></html>", "text/html"))
    with pytest.raises(AnswerError) as caught:
        await listener.hear()
    assert "nginx" not in str(caught.value)
    assert caught.value.facts["status"] == status


@pytest.mark.parametrize(
    "body", [[], "text", None, {"error": "text"}, {"error": {"type": 1, "message": ["x"], "details": "y"}}]
)
async def test_errors_in_no_known_form_are_errors_still(
    player: Player, listener: Listener, body: Any
) -> None:
    player.plays(*reply(500, json.dumps(body)))
    with pytest.raises(UpstreamFailed):
        await listener.hear()


async def test_a_redirect_is_not_an_answer(player: Player, listener: Listener) -> None:
    player.plays(*reply(300, "elsewhere", "text/plain"))
    with pytest.raises(UpstreamRejected, match="leads elsewhere"):
        await listener.hear()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(player: Player, listener: Listener, status: int) -> None:
    player.plays(*reply(status, "elsewhere", "text/plain", location="/elsewhere/v1/messages"))
    with pytest.raises(UpstreamRejected, match="leads elsewhere") as caught:
        await listener.hear()
    assert not caught.value.retryable
    assert caught.value.facts == {"began": False, "sent": True, "status": status, "request_id": "req_1"}
    assert len(player.requests) == 1


async def test_claudes_reason_is_quoted(player: Player, listener: Listener) -> None:
    player.plays(
        *refusal(400, "invalid_request_error", "prompt is too long:\n 200001 tokens > 200000 maximum")
    )
    with pytest.raises(UpstreamRejected) as caught:
        await listener.hear()
    assert str(caught.value) == (
        "Claude rejected the request: “prompt is too long: 200001 tokens > 200000 maximum”. Your message was "
        "not answered and the conversation is unchanged; change what was rejected, then send it again."
    )


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        f"Bearer {KEY}",
        "0123456789abcdef0123456789abcdef",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbnRpcGhvbi10ZXN0cyJ9" * 2,
    ],
)
@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_a_secret_that_is_sent_back_is_not_shown(
    player: Player, listener: Listener, secret: str, status: int
) -> None:
    player.plays(*refusal(status, "", f"bad {secret}, sorry", code="enforced_spend_limit_reached"))
    with pytest.raises(AnswerError) as caught:
        await listener.hear()
    shown = f"{caught.value}{caught.value.facts}"
    assert not any(secret[at : at + 12] in shown for at in range(len(secret) - 12))


async def test_a_long_reason_is_cut(player: Player, listener: Listener) -> None:
    player.plays(*refusal(400, "invalid_request_error", "too many words " * 1000))
    with pytest.raises(UpstreamRejected) as caught:
        await listener.hear()
    assert len(str(caught.value)) < 500
