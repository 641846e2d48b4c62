"""What all checks do to get to the point."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.ids import new_id, new_turn_id
from antiphon.domain.messages import Block, Message, text_block
from antiphon.errors import AntiphonError
from antiphon.stores.base import Acceptance, Accepted, Change, Lease, Start, Store
from antiphon.stores.frames import decode_all

ME = "principal-1"
OWNER = "replica-1"
LEASE_S = 30.0
ODD_TEXT = 'NUL \x00, a lone surrogate \ud800, 你好, 🙂, \u2028, "quotes", back\\slash, e\u0301'


async def a_conversation(store: Store, *, name: str | None = None, principal: str = ME) -> Header:
    event = e.ConversationCreate(at=1, title="T", system="S", model="m", options={"max_tokens": 5})
    return await store.create(principal, new_id(), event, name=name)


def a_turn(conversation_id: str, text: str = "hello", **guards: Any) -> Acceptance:
    turn_id, message_id = new_turn_id(conversation_id), new_id()
    content = (text_block(text),)
    return Acceptance(
        conversation_id=conversation_id,
        queue=e.TurnQueue(at=2, turn_id=turn_id, message_id=message_id),
        message=e.MessageAdd(at=2, message_id=message_id, turn_id=turn_id, content=content),
        **{"owner": OWNER, "lease_s": LEASE_S, **guards},
    )


def lease_of(accepted: Accepted) -> Lease:
    assert accepted.lease is not None, "the turn was not given the lease"
    return accepted.lease


def a_start(acceptance: Acceptance, last_seq: int, parent_id: str | None = None) -> Start:
    """How an accepted turn begins, planned for a conversation that has come to `last_seq`."""
    add = acceptance.message
    assert add is not None
    message = Message(
        id=add.message_id, parent_id=parent_id, role="user", content=add.content, turn_id=add.turn_id
    )
    begin = e.TurnStart(at=3, turn_id=add.turn_id, message_id=message.id, parent_id=parent_id)
    step = e.StepStart(at=3, step=0, attempt=1, message_id=new_id(), parent_id=message.id, model="m")
    return Start(last_seq=last_seq, change=Change(events=[begin, step], messages=[message]))


async def start(store: Store, acceptance: Acceptance, lease: Lease, parent_id: str | None = None) -> Message:
    """Start an accepted turn and its first step; returns the user's message in its place."""
    change = a_start(acceptance, 0, parent_id).change
    begin, step = change.events
    await store.append(lease.conversation_id, replace(change, events=[begin]), lease)
    await store.append(lease.conversation_id, Change(events=[step]), lease)
    return change.messages[0]


def the_end(turn_id: str, head: str | None) -> Change:
    ended = e.TurnEnd(at=9, turn_id=turn_id, status="completed", kept=e.Kept(steps=1), head=head)
    return Change(events=[ended])


async def refused(call: Awaitable[object], error: type[AntiphonError]) -> AntiphonError:
    try:
        await call
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, and nothing was raised")


def block_end(block: Block) -> e.BlockEnd:
    return e.BlockEnd(step=0, index=0, block=block)


async def last_event(store: Store, conversation_id: str) -> e.Event:
    return decode_all(await store.read(conversation_id, 0))[-1][1]
