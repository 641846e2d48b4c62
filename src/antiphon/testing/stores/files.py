"""Contracts 24 to 26: files, and what keeps them."""

import asyncio
from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.files import File, Media, block_of, file_of
from antiphon.domain.ids import new_id
from antiphon.domain.messages import text_block
from antiphon.errors import NotFound
from antiphon.stores.base import Acceptance, Change, Store
from antiphon.testing.stores.making import ME, a_conversation, a_turn, lease_of, refused

ELSE = "principal-2"
ODD_BYTES = bytes(range(256)) * 40 + b"\x00\xff\r\n"


def a_file(data: bytes = ODD_BYTES, name: str = "a.png", principal: str = ME) -> File:
    return file_of(principal, data, Media(media_type="image/png", width=3, height=2), name)


def a_turn_with(conversation_id: str, *files: File) -> Acceptance:
    """A message that refers to files, one of them from within a result."""
    turn = a_turn(conversation_id)
    assert turn.message is not None
    blocks = [block_of(file.facts) for file in files]
    nested = {"type": "tool_result", "tool_use_id": "t", "content": blocks[-1:]}
    content = (text_block("Look:"), *blocks[:-1], nested)
    return replace(turn, message=replace(turn.message, content=content))


async def contract_24_a_file_comes_back_as_it_was_to_its_principal_alone(store: Store) -> None:
    file = a_file()
    await store.put_file(ME, file)
    assert await store.file(ME, file.facts.id) == file
    await refused(store.file(ELSE, file.facts.id), NotFound)
    await refused(store.file(ME, a_file(b"other").facts.id), NotFound)
    assert await store.file_facts(ME, [file.facts.id, "f-none"]) == {file.facts.id: file.facts}
    assert await store.file_facts(ELSE, [file.facts.id]) == {}
    assert await store.file_facts(ME, []) == {}


async def contract_24_a_file_that_is_put_again_is_one_with_its_newest_name(store: Store) -> None:
    await store.put_file(ME, a_file(name="old.png"), held_s=0)
    again = a_file(name="new.png")
    await store.put_file(ME, again)
    await store.put_file(ME, again, held_s=0)
    assert not await store.drop_files()
    assert await store.file(ME, again.facts.id) == again


async def contract_25_a_message_that_refers_to_no_file_of_its_principal_is_refused(store: Store) -> None:
    header, file = await a_conversation(store), a_file()
    theirs = a_file(principal=ELSE)
    await store.put_file(ELSE, theirs)
    await store.put_file(ME, file)
    for wrong in (a_file(b"never put"), theirs):
        turn = a_turn_with(header.id, file, wrong)
        await refused(store.accept(turn), NotFound)
        assert turn.message is not None
        await refused(store.append(header.id, Change(events=[turn.message])), NotFound)
    assert (await store.get(ME, header.id)).last_seq == 1
    lease_of(await store.accept(a_turn_with(header.id, file)))


async def contract_26_a_file_that_nothing_keeps_is_dropped(store: Store) -> None:
    held, lapsed = a_file(b"held"), a_file(b"lapsed")
    await store.put_file(ME, held)
    await store.put_file(ME, lapsed, held_s=0)
    while await store.drop_files():
        pass
    assert await store.file_facts(ME, [held.facts.id, lapsed.facts.id]) == {held.facts.id: held.facts}
    await store.put_file(ME, lapsed)
    assert await store.file(ME, lapsed.facts.id) == lapsed


async def contract_26_a_file_stays_until_the_last_conversation_that_refers_to_it_goes(store: Store) -> None:
    one, other = await a_conversation(store), await a_conversation(store)
    shared, own = a_file(b"shared"), a_file(b"own")
    for file in (shared, own):
        await store.put_file(ME, file)
    await store.accept(a_turn_with(one.id, shared, own))
    await store.accept(a_turn_with(one.id, shared))
    message = e.MessageAdd(at=3, message_id=new_id(), turn_id="t", content=(block_of(shared.facts),))
    await store.append(other.id, Change(events=[message]))
    assert not await store.drop_files()
    await store.delete(ME, one.id)
    await refused(store.file(ME, own.facts.id), NotFound)
    assert await store.file(ME, shared.facts.id) == shared
    await store.delete(ME, other.id)
    await refused(store.file(ME, shared.facts.id), NotFound)


async def contract_26_a_file_that_is_held_anew_outlives_its_conversation(store: Store) -> None:
    header, file = await a_conversation(store), a_file()
    await store.put_file(ME, file)
    await store.accept(a_turn_with(header.id, file))
    await store.put_file(ME, file)
    await store.delete(ME, header.id)
    assert await store.file(ME, file.facts.id) == file


async def contract_26_a_message_and_a_sweep_at_once_leave_a_file_or_refuse_the_message(store: Store) -> None:
    for number in range(12):
        header, file = await a_conversation(store), a_file(f"file {number}".encode())
        await store.put_file(ME, file, held_s=0)
        turn = a_turn_with(header.id, file)
        accepted, _ = await asyncio.gather(store.accept(turn), store.drop_files(), return_exceptions=True)
        kept = await store.file_facts(ME, [file.facts.id])
        assert bool(kept) == (not isinstance(accepted, NotFound)), accepted
        await store.delete(ME, header.id)
        assert await store.file_facts(ME, [file.facts.id]) == {}


async def contract_26_many_files_are_dropped_a_few_at_a_time(store: Store) -> None:
    files = [a_file(str(number).encode(), principal=ME) for number in range(5)]
    for file in files:
        await store.put_file(ME, file, held_s=0)
    left, more = len(files), True
    while more:
        more = await store.drop_files(limit=2)
        before, left = left, len(await store.file_facts(ME, [file.facts.id for file in files]))
        assert before - left <= 2
    assert left == 0
