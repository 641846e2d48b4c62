"""What the plan of a request stands on: the path, its compaction, the model, and how the cache is marked."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from antiphon.context.compaction import Decision, Nothing, Standing, decide_compaction
from antiphon.context.dates import turn_time
from antiphon.context.gaps import Gaps, measured, pauses_on
from antiphon.context.lifetime import Stakes, choose_lifetime
from antiphon.context.plan import Request, in_force
from antiphon.context.routing import AUTO, choose_model
from antiphon.context.sendable import is_asking
from antiphon.context.stakes import stakes_of
from antiphon.context.titles import first_words
from antiphon.domain import events as e
from antiphon.domain.conversations import Compaction, PlacedMessage
from antiphon.domain.files import attached_names
from antiphon.domain.messages import text_of
from antiphon.money.facts import ModelFacts
from antiphon.money.pricing import Lifetime
from antiphon.turns.billing import Billing
from antiphon.turns.parts import Parts
from antiphon.turns.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`path` ends with the message that is to be answered; `billing` knows the budget of this turn too."""

    billing: Billing
    progress: Progress
    request: Request
    path: list[PlacedMessage]
    compaction: Compaction | None
    titled: bool = False
    """Whether the conversation got its first words as its title just now."""

    @property
    def gaps(self) -> Gaps:
        return measured(pauses_on(self.path))


async def survey(parts: Parts, queue: e.TurnQueue, progress: Progress) -> Ground:
    """Read what is not known here yet. Raises UnknownModel, NotFound, StoreUnavailable."""
    header = progress.header
    stored_to = progress.messages[0].parent_id if progress.messages else progress.reply_to
    path = await parts.paths.to(header.id, stored_to)
    path += [PlacedMessage(seq=header.last_seq + 1, message=added) for added in progress.messages]
    tools = parts.toolbox.wire(header.tools)
    routed = _routed(parts, progress, path, tools)
    titled = _titled(parts, routed, path)
    name = model_of(parts, routed)
    ground = Ground(
        billing=parts.billing.of_turn(queue),
        progress=titled,
        request=Request(
            model=name,
            options=queue.options,
            tools=tools,
            limits=parts.limits,
            facts=parts.billing.table.get(name),
        ),
        path=path,
        compaction=in_force(path, await parts.standings.compactions(header)),
        titled=titled is not routed,
    )
    if (lifetime := _lifetime(parts, ground)) == ground.request.lifetime:
        return ground
    return replace(ground, request=replace(ground.request, lifetime=lifetime))


def model_of(parts: Parts, progress: Progress) -> str:
    """Who is asked: the fallback that answers this turn, else the conversation's own model."""
    return progress.tries.model or progress.header.model or parts.model


def _routed(
    parts: Parts, progress: Progress, path: list[PlacedMessage], tools: tuple[dict[str, object], ...]
) -> Progress:
    """`auto` is decided once, by the first message, and is a setting from then on."""
    header = progress.header
    if (header.model or parts.model) != AUTO or not path:
        return progress
    model = choose_model(path[0].message.content, tools)
    change = e.SettingsChange(at=parts.now(), model=model)
    return replace(progress, header=replace(header, model=model), events=(change, *progress.events))


def _titled(parts: Parts, progress: Progress, path: list[PlacedMessage]) -> Progress:
    """Until a conversation has a title, it is called by its first words."""
    header = progress.header
    if header.title or progress.step or not progress.messages:
        return progress
    content = path[-1].message.content
    title = first_words(text_of(content) or ", ".join(attached_names(content)))
    if not title:
        return progress
    change = e.TitleChange(at=parts.now(), title=title)
    return replace(progress, header=replace(header, title=title), events=(change, *progress.events))


def standing_of(parts: Parts, ground: Ground) -> Standing:
    """Its last request began when the turn before this one did, or as this process remembers."""
    header, sent = ground.progress.header, parts.standings.sent(ground.progress.header.id)
    began = sent.at if sent is not None else _last_turn(ground.path)
    return Standing(
        path=ground.path,
        compaction=ground.compaction,
        idle_s=None if began is None else max(0, parts.now() - began) / 1000,
        lifetime=sent.lifetime if sent is not None else "5m",
        correction=parts.standings.correction(header.model or parts.model),
    )


def _last_turn(path: list[PlacedMessage]) -> int | None:
    before = (placed for placed in reversed(path[:-1]) if is_asking(placed))
    last = next(before, None)
    return turn_time(last.message.turn_id) if last is not None else None


def compaction_due(parts: Parts, ground: Ground, *, forced: bool = False) -> Decision:
    """What is to be done before the first request of a turn; `forced`: once the window was full."""
    progress = ground.progress
    if not forced and (progress.step or progress.attempt > 1):
        return Nothing()
    if not parts.thrift.compaction or not ground.path:
        return Nothing()
    return decide_compaction(
        progress.header,
        ground.request,
        standing_of(parts, ground),
        parts.standings.estimates,
        small=_small(parts),
        at=_day(parts),
        forced=forced,
    )


def stakes(parts: Parts, ground: Ground) -> Stakes:
    """What the next pause may cost."""
    facts, small, day = ground.request.facts, _small(parts), _day(parts)
    assert facts is not None
    return stakes_of(
        ground.progress.header,
        ground.request,
        standing_of(parts, ground),
        parts.standings.estimates,
        prices=facts.prices(day, 0),
        small=(small or facts).prices(day, 0),
        turns=sum(map(is_asking, ground.path)),
    )


def _lifetime(parts: Parts, ground: Ground) -> Lifetime | None:
    """Chosen as a turn starts; its further steps keep it."""
    cache, facts = parts.thrift.cache, ground.request.facts
    if cache == "off" or facts is None or facts.free:
        return None
    if cache != "auto":
        return cache
    sent = parts.standings.sent(ground.progress.header.id)
    if ground.progress.step and sent is not None:
        return sent.lifetime
    if parts.thrift.keepalive:
        return "5m"
    at_stake = stakes(parts, ground)  # with nothing to save, it does not matter how long people pause
    return choose_lifetime(ground.gaps if at_stake.saved else Gaps(), at_stake)


def _small(parts: Parts) -> ModelFacts | None:
    return parts.billing.table.find(parts.thrift.small_model)


def _day(parts: Parts) -> date:
    return datetime.fromtimestamp(parts.now() / 1000, UTC).date()
