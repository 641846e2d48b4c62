"""Tokens are counted by Claude, for what would be sent."""

import pytest

from antiphon.domain.plans import RequestPlan
from antiphon.errors import UpstreamBusy, UpstreamFailed, UpstreamRejected
from antiphon.model.client import ClaudeUpstream
from tests.model.canned import PLAN, refusal, reply
from tests.model.player import Player


async def test_claude_counts(player: Player, claude: ClaudeUpstream) -> None:
    player.plays(*reply(200, '{"input_tokens": 42}'))
    assert await claude.count_tokens(PLAN) == 42
    assert player.requests[0].line == "POST /v1/messages/count_tokens HTTP/1.1"
    assert player.requests[0].body == {"model": PLAN.model, "messages": list(PLAN.messages)}


async def test_only_what_changes_the_count_is_sent(player: Player, claude: ClaudeUpstream) -> None:
    player.plays(*reply(200, '{"input_tokens": 1}'))
    options = {
        "thinking": {"type": "adaptive"},
        "stop_sequences": ["END"],
        "temperature": 1,
        "model": "other",
    }
    plan = RequestPlan(
        model="m",
        max_tokens=9,
        messages=PLAN.messages,
        system=({"type": "text", "text": "s"},),
        tools=({"name": "t", "input_schema": {"type": "object"}},),
        options=options,
    )
    await claude.count_tokens(plan)
    assert set(player.requests[0].body) == {"model", "messages", "system", "tools", "thinking"}
    assert player.requests[0].body["model"] == "m"


async def test_a_refused_count_is_an_error_of_ours(player: Player, claude: ClaudeUpstream) -> None:
    player.plays(*refusal(429, "rate_limit_error", retry_after="3"))
    with pytest.raises(UpstreamBusy) as caught:
        await claude.count_tokens(PLAN)
    assert caught.value.facts["retry_after"] == 3.0


@pytest.mark.parametrize("status", [302, 307])
async def test_a_count_is_not_fetched_elsewhere(player: Player, claude: ClaudeUpstream, status: int) -> None:
    player.plays(*reply(status, "elsewhere", "text/plain", location="/elsewhere"))
    player.plays(*reply(200, '{"input_tokens": 42}'))
    with pytest.raises(UpstreamRejected, match="leads elsewhere"):
        await claude.count_tokens(PLAN)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>", "text/html"),
        ("{}", "application/json"),
        ("{", "application/json"),
        ('{"input_tokens": true}', "application/json"),
    ],
)
async def test_a_count_that_is_none_is_a_failure(
    player: Player, claude: ClaudeUpstream, body: str, content_type: str
) -> None:
    player.plays(*reply(200, body, content_type))
    with pytest.raises(UpstreamFailed, match="cannot be read"):
        await claude.count_tokens(PLAN)
