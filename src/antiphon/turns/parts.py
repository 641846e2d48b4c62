"""What all turns of a replica share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from antiphon.clock import Clock, milliseconds
from antiphon.context.plan import Limits
from antiphon.model.breaker import Breaker
from antiphon.model.upstream import Upstream
from antiphon.stores.base import Store
from antiphon.tools.toolbox import Toolbox
from antiphon.turns.billing import Billing
from antiphon.turns.flusher import Flusher
from antiphon.turns.hub import Hub
from antiphon.turns.paths import Paths
from antiphon.turns.patience import Patience
from antiphon.turns.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrift:
    """What is done so that long conversations cost less, and beside the answers."""

    small_model: str = "claude-haiku-5-5"
    cache: Literal["auto", "5m", "1h", "off"] = "auto"
    compaction: bool = True
    keepalive: bool = False
    titles: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`model` is the default, for conversations that name none."""

    store: Store
    upstream: Upstream
    hub: Hub
    paths: Paths
    flusher: Flusher
    billing: Billing
    toolbox: Toolbox
    clock: Clock
    limits: Limits
    model: str
    lease_s: float
    deadline_s: float
    approval_s: float
    """Seconds that a turn waits for approvals; what is not decided by then counts as denied."""
    keep_deltas_s: float
    """Seconds for which the deltas of an ended turn stay in the log."""
    standings: Standings
    breaker: Breaker
    patience: Patience = Patience()
    thrift: Thrift = Thrift()
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def now(self) -> int:
        """Milliseconds since the epoch, as events have them."""
        return milliseconds(self.clock)
