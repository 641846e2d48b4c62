"""What one simulator consists of, as its routes share it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from antiphon.simulator.bill import Ledger
from antiphon.simulator.cache import PrefixCache
from antiphon.simulator.clock import Clock
from antiphon.simulator.diagnostics import Diagnoses
from antiphon.simulator.files import Files
from antiphon.simulator.limits import Limiter
from antiphon.simulator.models import Model
from antiphon.simulator.organizations import Organizations
from antiphon.simulator.playbook import Gate, Playbook
from antiphon.simulator.record import RequestLog
from antiphon.simulator.script import Reply


class Parts(NamedTuple):
    default: Reply
    models: Mapping[str, Model]
    organizations: Organizations
    log: RequestLog
    playbook: Playbook
    gate: Gate
    clock: Clock
    cache: PrefixCache
    ledger: Ledger
    limiter: Limiter
    diagnoses: Diagnoses
    files: Files
    spend_limit: int | None
    """Nano-dollars."""
    batch_seconds: float

    def limited_as(self, body: Any) -> str:
        """The line of models whose rate limits a request meets, valid or not."""
        name = body.get("model") if isinstance(body, dict) else None
        model = self.models.get(name) if isinstance(name, str) else None
        return "" if model is None else model.limited_as
