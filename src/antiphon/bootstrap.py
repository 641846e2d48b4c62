"""The one place where concrete parts are chosen and put together."""

import time
from collections.abc import Sequence
from pathlib import Path

from antiphon.clock import Clock, SystemClock
from antiphon.context.plan import Limits
from antiphon.context.routing import AUTO
from antiphon.errors import ConfigurationError
from antiphon.model.breaker import Breaker
from antiphon.model.client import ClaudeUpstream
from antiphon.model.files import WithFiles
from antiphon.model.local.upstream import DEADLINE_S, LocalUpstream
from antiphon.model.upstream import Upstream
from antiphon.money.table import ModelTable, load_facts
from antiphon.service import Service
from antiphon.settings import LOCAL, Settings
from antiphon.stores.base import Store
from antiphon.stores.memory import MemoryStore
from antiphon.tools.history import Found
from antiphon.tools.loading import load_function
from antiphon.tools.offering import Offered, make_toolbox
from antiphon.tools.toolbox import Toolbox
from antiphon.turns.billing import Billing
from antiphon.turns.engine import Engine
from antiphon.turns.flusher import Flusher
from antiphon.turns.hub import Hub
from antiphon.turns.parts import Parts, Thrift
from antiphon.turns.paths import Paths
from antiphon.turns.patience import Patience
from antiphon.turns.standings import Standings

LOCAL_FACTS = {"free": True, "context": 4096, "max_out": 4096}


async def open_service(
    settings: Settings,
    *,
    upstream: Upstream | None = None,
    store: Store | None = None,
    clock: Clock | None = None,
    tools: Sequence[Offered] = (),
    takes_over: bool = True,
    budgeted: bool = False,
) -> Service:
    """A service that runs: store open, engine started. Close it in the same event loop.

    One that `takes_over` goes on with turns that dead processes left, of anyone: not for a process that ends
    with its own answer, which would only pay for their beginning. `budgeted`: messages come with budgets of
    their own, so that what is on offer must have bounded costs.

    Raises:
        MissingCredentials, ConfigurationError, StoreUnavailable, NewerData.
    """
    clock = clock or SystemClock()
    models = model_table(settings)
    if settings.model != AUTO:
        models.get(settings.model)
    for name in settings.fallback:
        models.get(name)
    upstream = upstream or make_upstream(settings)
    store = store or make_store(settings)
    toolbox = tools_on_offer(settings, tools, store, budgeted=budgeted or bool(settings.budgets()))
    await store.open()
    hub = Hub(store)
    door = WithFiles(upstream, store.file)
    parts = _parts(settings, store, door, hub, Billing(models, settings.budgets()), toolbox, clock)
    await toolbox.open()
    engine = Engine(parts, takes_over=takes_over)
    await engine.start()
    return Service(
        store=store,
        engine=engine,
        hub=hub,
        models=models,
        budgets=settings.budgets(),
        clock=clock,
        lease_s=settings.lease_s,
        queue_max=settings.queue_max,
        toolbox=toolbox,
    )


def _parts(
    settings: Settings,
    store: Store,
    upstream: Upstream,
    hub: Hub,
    billing: Billing,
    toolbox: Toolbox,
    clock: Clock,
) -> Parts:
    return Parts(
        store=store,
        upstream=upstream,
        hub=hub,
        paths=Paths(store),
        flusher=Flusher(store, hub),
        billing=billing,
        toolbox=toolbox,
        clock=clock,
        limits=Limits(max_tokens=settings.max_tokens, max_history_turns=settings.max_history_turns),
        model=settings.model,
        lease_s=settings.lease_s,
        deadline_s=max(settings.deadline_s, DEADLINE_S) if settings.model == LOCAL else settings.deadline_s,
        approval_s=settings.approval_s,
        keep_deltas_s=settings.keep_deltas_s,
        standings=Standings(store),
        breaker=Breaker(time.monotonic),
        patience=Patience(attempts=settings.max_attempts, fallback=settings.fallback),
        thrift=Thrift(
            small_model=settings.small_model,
            cache=settings.cache,
            compaction=settings.compaction == "on",
            keepalive=settings.keepalive == "auto",
            titles=settings.titles == "on",
        ),
    )


def tools_on_offer(settings: Settings, given: Sequence[Offered], store: Store, *, budgeted: bool) -> Toolbox:
    """Those of the settings, and those that are given. Raises ConfigurationError."""

    async def search(principal: str, query: str, limit: int) -> Sequence[Found]:
        return await store.search(principal, query, limit=limit)

    named = [load_function(name) for name in settings.tools.functions]
    offered = [*named, *settings.tools.known(), *settings.mcp_servers(), *given]
    return make_toolbox(offered, search=search, budgeted=budgeted, approve=settings.tools.approve)


def model_table(settings: Settings) -> ModelTable:
    """The price table with the user's own models and the local one, which is free."""
    return load_facts().with_added({LOCAL: LOCAL_FACTS, **settings.models})


def make_store(settings: Settings) -> Store:
    """Raises ConfigurationError: there is no such kind of store, or its driver is not installed.

    Drivers are loaded for who asks for them: SQLAlchemy alone takes 150 ms.
    """
    scheme, _, rest = settings.store.partition("://")
    match scheme:
        case "memory":
            return MemoryStore()
        case "sqlite" if rest.startswith("/") and len(rest) > 1:
            from antiphon.stores.sql.sqlite import SqliteDatabase  # noqa: PLC0415
            from antiphon.stores.sql.store import SqlStore  # noqa: PLC0415

            return SqlStore(SqliteDatabase(Path(rest[1:])))
        case "postgresql" | "postgres":
            try:
                from antiphon.stores.sql.postgres import PostgresDatabase  # noqa: PLC0415
            except ImportError as error:
                raise ConfigurationError(_missing("PostgreSQL", "postgres")) from error
            from antiphon.stores.sql.store import SqlStore  # noqa: PLC0415

            return SqlStore(PostgresDatabase(settings.store, migrate=settings.migrate == "auto"))
        case "redis" | "rediss":
            try:
                from antiphon.stores.redis.store import RedisStore  # noqa: PLC0415
            except ImportError as error:
                raise ConfigurationError(_missing("Redis", "redis")) from error
            return RedisStore(settings.store)
        case _:
            raise ConfigurationError(
                "ANTIPHON_STORE must be memory://, sqlite:///PATH, postgresql://HOST/DATABASE or redis://HOST."
            )


def _missing(store: str, extra: str) -> str:
    return f'{store} needs its driver, which is not installed: pip install "antiphon[{extra}]".'


def make_upstream(settings: Settings, *, api_key: str | None = None, base_url: str | None = None) -> Upstream:
    """Claude, or the local model where `settings.model` asks for it. Raises MissingCredentials."""
    if settings.model == LOCAL:
        return LocalUpstream(settings.local_model)
    return ClaudeUpstream(api_key=api_key, base_url=base_url, stall_s=settings.stall_s)
