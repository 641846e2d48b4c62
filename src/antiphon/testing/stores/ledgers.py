"""Checks of the contracts on money: what is held, what is spent, what the ledger says of it."""

import asyncio
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id
from antiphon.domain.usage import Usage
from antiphon.errors import OverBudget
from antiphon.money.budgets import Hold, Limit
from antiphon.money.ledger import UsageQuery, UsageRow
from antiphon.stores.base import Change, Start, Store
from antiphon.testing.stores.making import a_conversation, a_start, a_turn, lease_of, refused

DAY = 24 * 3600 * 1000
SPENT = Usage(input_tokens=7, output_tokens=3, cache_read_tokens=2)


def a_limit(header: Header, nanodollars: int, *, since: int = 0) -> Limit:
    return Limit(
        scope="principal", period="total", owner=header.principal, since=since, nanodollars=nanodollars
    )


def opened(held: int, *limits: Limit, at: int = DAY) -> tuple[str, Change]:
    """A request beside the answers, announced: its id, and what announces it."""
    request = new_id()
    start = e.RequestStart(at=at, id=request, purpose="title", model="small", held_nanodollars=held)
    return request, Change(events=[start], hold=Hold(nanodollars=held, limits=limits) if limits else None)


def closed(request: str, cost: int) -> Change:
    end = e.RequestEnd(
        at=DAY + 1,
        id=request,
        stop_reason="end_turn",
        usage=SPENT,
        cost_nanodollars=cost,
        saved_nanodollars=1,
        prices={"input": "1"},
    )
    return Change(events=[end])


async def contract_18_no_account_holds_more_than_its_limit(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    limit = a_limit(header, 100)

    async def try_to_hold() -> str:
        try:
            await store.append(header.id, opened(30, limit)[1])
        except OverBudget as error:
            return str(error.facts["left_usd"])
        return "held"

    said = await asyncio.gather(*(try_to_hold() for _ in range(10)))
    assert sorted(said) == ["0.00000001"] * 7 + ["held"] * 3, said
    assert await store.left([limit]) == [10]
    assert (await store.get(header.principal, header.id)).last_seq == 4


async def contract_18_all_limits_hold_or_none(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    wide, narrow = a_limit(header, 100), replace(a_limit(header, 10), scope="conversation", owner=header.id)
    await refused(store.append(header.id, opened(20, narrow, wide)[1]), OverBudget)
    assert await store.left([narrow, wide]) == [10, 100]
    assert (await store.get(header.principal, header.id)).last_seq == 1


async def contract_18_what_a_start_cannot_hold_is_not_accepted(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    turn = a_turn(header.id, key="k")
    start = a_start(turn, header.last_seq)
    hold = Hold(nanodollars=20, limits=(a_limit(header, 10),))
    dear = Start(last_seq=start.last_seq, change=replace(start.change, hold=hold))
    await refused(store.accept(replace(turn, start=dear)), OverBudget)
    assert (await store.get(header.principal, header.id)) == header
    accepted = await store.accept(turn)
    assert accepted.lease is not None


async def contract_19_a_cost_takes_the_place_of_its_hold(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    limit = a_limit(header, 100)
    request, opening = opened(60, limit)
    await store.append(header.id, opening)
    assert await store.left([limit]) == [40]
    assert await the_sum(store, header) == UsageRow(
        key={}, requests=1, cost_nanodollars=60, unsettled_nanodollars=60, open_nanodollars=60
    )
    await store.append(header.id, closed(request, 25))
    await store.append(header.id, closed(request, 25))
    assert await store.left([limit]) == [75]
    assert await the_sum(store, header) == UsageRow(
        key={}, requests=1, usage=SPENT, cost_nanodollars=25, saved_nanodollars=1
    )


async def contract_19_an_account_begins_with_what_was_spent_before(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    for at in (DAY, 3 * DAY):
        request, opening = opened(60, at=at)
        await store.append(header.id, opening)
        await store.append(header.id, closed(request, 10))
    await store.append(header.id, opened(60, at=3 * DAY)[1])
    assert await store.left([a_limit(header, 100), a_limit(header, 100, since=2 * DAY)]) == [20, 30]
    later = a_limit(header, 100, since=2 * DAY)
    await store.append(header.id, opened(30, later, at=3 * DAY)[1])
    assert await store.left([later]) == [0]


async def contract_19_entries_outlive_their_conversation(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    limit = a_limit(header, 100)
    done, opening = opened(60, limit)
    await store.append(header.id, opening)
    await store.append(header.id, closed(done, 25))
    await store.append(header.id, opened(40, limit)[1])
    await store.delete(header.principal, header.id)
    assert await store.left([limit]) == [35]
    assert (await the_sum(store, header)).cost_nanodollars == 65


async def contract_19_usage_is_summed_as_asked(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    acceptance = a_turn(header.id)
    lease = lease_of(await store.accept(acceptance))
    change = a_start(acceptance, 0).change
    await store.append(header.id, change, lease)
    step = e.StepEnd(
        at=9,
        step=0,
        attempt=1,
        model="m",
        stop_reason="end_turn",
        usage=SPENT,
        cost_nanodollars=10,
        prices={"input": "1"},
    )
    await store.append(header.id, Change(events=[step]), lease)
    for at in (DAY, DAY + 1, 2 * DAY):
        request, opening = opened(60, at=at)
        await store.append(header.id, opening)
        await store.append(header.id, closed(request, 5))
    mine = UsageQuery(principal=header.principal, by=("purpose", "day"))
    rows = await store.usage(mine)
    assert [(*row.key.values(), row.requests, row.cost_nanodollars) for row in rows] == [
        ("answer", "1970-01-01", 1, 10),
        ("title", "1970-01-02", 2, 10),
        ("title", "1970-01-03", 1, 5),
    ], rows
    assert rows[1].usage == SPENT + SPENT
    some = await store.usage(replace(mine, since=DAY + 1, until=2 * DAY, by=("model", "conversation")))
    assert [(row.key, row.requests) for row in some] == [({"model": "small", "conversation": header.id}, 1)]
    assert await store.usage(replace(mine, principal=new_id())) == []


async def contract_19_imported_requests_were_paid_elsewhere(store: Store) -> None:
    header = await a_conversation(store, principal=new_id())
    _, opening = opened(60)
    await store.append(header.id, replace(opening, imported=True))
    assert await store.usage(UsageQuery(principal=header.principal)) == []
    assert (await store.totals(header.id)).cost_nanodollars == 0


async def the_sum(store: Store, header: Header) -> UsageRow:
    (row,) = await store.usage(UsageQuery(principal=header.principal, by=()))
    return row
