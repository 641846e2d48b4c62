"""Claude as an upstream, played by a server of canned bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from antiphon.domain.plans import RequestPlan
from antiphon.model.client import ClaudeUpstream
from antiphon.model.upstream import Upstream
from antiphon.model.wire import BlockDelta, StreamEvent
from tests.model.canned import PLAN
from tests.model.player import Player

KEY = "sk-ant-api03-a-key-that-nobody-may-see"


@dataclass
class Listener:
    """Hears a stream out, and keeps what came before it failed."""

    upstream: Upstream
    batches: list[list[StreamEvent]] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, plan: RequestPlan = PLAN) -> list[StreamEvent]:
        async with asyncio.timeout(10):
            async for events in self.upstream.stream(plan):
                self.batches.append(list(events))
                self.first.set()
        return self.heard

    @property
    def heard(self) -> list[StreamEvent]:
        return [event for events in self.batches for event in events]

    @property
    def text(self) -> str:
        deltas = [event.delta for event in self.heard if isinstance(event, BlockDelta)]
        return "".join(delta.get("text", "") for delta in deltas)


@pytest.fixture
async def player() -> AsyncIterator[Player]:
    player = Player()
    server = await asyncio.start_server(player.serve, "127.0.0.1", 0)
    player.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield player
    player.late.set()
    server.close()


@pytest.fixture
async def claude(player: Player) -> AsyncIterator[ClaudeUpstream]:
    upstream = ClaudeUpstream(api_key=KEY, base_url=player.url)
    yield upstream
    await upstream.close()


@pytest.fixture
def listener(claude: ClaudeUpstream) -> Listener:
    return Listener(claude)


@pytest.fixture
async def impatient(player: Player) -> AsyncIterator[Listener]:
    """Takes half a second of silence for a stall."""
    upstream = ClaudeUpstream(api_key=KEY, base_url=player.url, stall_s=0.5)
    yield Listener(upstream)
    await upstream.close()


@pytest.fixture
def no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nobody ever signed in."""
    monkeypatch.delenv("ANTHROPIC_CONFIG_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".config" / "anthropic"


def sign_in(folder: Path, name: str = "default") -> None:
    """What `profile` on disk looks like after signing in."""
    for kind, content in {
        "configs": {"authentication": {"type": "user_oauth"}},
        "credentials": {"type": "oauth_token", "access_token": "token-of-the-profile"},
    }.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        file = folder / kind / f"{name}.json"
        file.write_text(json.dumps(content))
        file.chmod(0o600)
