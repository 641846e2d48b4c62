"""Contract 17: what was said is found by its words, by whom it belongs to."""

from dataclasses import replace

from antiphon.domain import events as e
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Message, text_block
from antiphon.stores.base import Change, Hit, Store
from antiphon.testing.stores.making import (
    LEASE_S,
    ME,
    ODD_TEXT,
    a_conversation,
    a_turn,
    lease_of,
    start,
    the_end,
)

ODD_QUERIES: tuple[str, ...] = (
    *(
        "",
        " ",
        '"',
        "'",
        "''",
        "a AND",
        "NOT",
        "(",
        "*",
        "a*b",
        "^",
        "-x",
        "col:x",
        "\\",
        "&",
        "|",
        "!",
        "<->",
    ),
    *(":*", "x' OR 1=1", "{", "NEAR(a b)", "🙂", "\u0301", "\x00", "\ud800", "%", "_", ODD_TEXT),
    *("word " * 5000, " ".join(map(str, range(5000))), "x" * 100_000, "你" * 500),
)


async def _says(store: Store, text: str, *, at: int = 2, principal: str = ME) -> tuple[str, str]:
    """A new conversation with one message; returns its id and the message's."""
    header = await a_conversation(store, principal=principal)
    message = Message(id=new_id(), parent_id=None, role="user", content=(text_block(text),), turn_id="t")
    await store.append(header.id, Change(events=[e.TitleChange(at=at, title="T")], messages=[message]))
    return header.id, message.id


def _ids(hits: list[Hit]) -> list[str]:
    return [hit.message_id for hit in hits]


async def contract_17_messages_are_found_by_their_words(store: Store) -> None:
    _, river = await _says(store, "The Rhône is a RIVER; it runs to Arles.", at=10)
    _, bridge = await _says(store, "A bridge over the river, from 1930.", at=20)
    _, chinese = await _says(store, "我昨天在东京都看到了一条河。", at=30)
    _, hindi = await _says(store, "नमस्ते दुनिया", at=40)
    found = {
        "river": [bridge, river],
        "RIVER over": [bridge],
        "riv": [bridge, river],
        "iver": [],
        "rhône": [river],
        "river, bridge!": [bridge],
        "1930": [bridge],
        "river desert": [],
        "东京": [chinese],
        "东京都看": [chinese],
        "京东": [],
        "河": [chinese],
        "दुनिया": [hindi],
    }
    for query, expected in found.items():
        assert _ids(await store.search(ME, query)) == expected, query


async def contract_17_a_hit_shows_where_it_matched(store: Store) -> None:
    conversation_id, message_id = await _says(
        store, "word " * 200 + "Then a River, two rivers. " + "x " * 200, at=7
    )
    (hit,) = await store.search(ME, "river")
    assert (hit.conversation_id, hit.message_id, hit.at) == (conversation_id, message_id, 7)
    assert [hit.snippet[first:last] for first, last in hit.marks] == ["River", "river"]
    assert len(hit.snippet) < 300


async def contract_17_no_query_is_an_error_and_none_finds_what_is_anothers(store: Store) -> None:
    await _says(store, f"mine {ODD_TEXT}".replace("\x00", "").replace("\ud800", ""))
    await _says(store, "secret of another", principal="principal-2")
    for query in ODD_QUERIES:
        for hit in await store.search(ME, query):
            assert "another" not in hit.snippet, query
    assert await store.search(ME, "secret") == []
    assert len(await store.search("principal-2", "secret")) == 1
    assert await store.search("nobody", "secret") == []


async def contract_17_pages_follow_each_other(store: Store) -> None:
    said = [(await _says(store, f"page number {n}", at=5 + n // 2))[1] for n in range(7)]
    seen: list[Hit] = []
    while page := await store.search(ME, "page", before=seen[-1].place if seen else None, limit=3):
        assert len(page) <= 3
        seen += page
    assert sorted(_ids(seen)) == sorted(said)
    assert [hit.place for hit in seen] == sorted((hit.place for hit in seen), reverse=True)


async def contract_17_what_leaves_the_tree_is_not_found_any_more(store: Store) -> None:
    header = await a_conversation(store)
    turn = a_turn(header.id, "an unlikely question")
    lease = lease_of(await store.accept(turn))
    question = [turn.message.message_id if turn.message else ""]
    assert _ids(await store.search(ME, "unlikely")) == question, "from the moment it is accepted"
    message = await start(store, turn, lease)
    assert _ids(await store.search(ME, "unlikely")) == question
    answer = replace(
        message, id=new_id(), parent_id=message.id, role="assistant", content=(text_block("plausible"),)
    )
    await store.append(header.id, Change(events=[e.TitleChange(at=5, title="T")], messages=[answer]), lease)
    assert _ids(await store.search(ME, "plausible")) == [answer.id]
    corrected = replace(answer, content=(text_block("improbable"),))
    await store.append(
        header.id, Change(events=[e.TitleChange(at=6, title="T")], messages=[corrected]), lease
    )
    assert await store.search(ME, "plausible") == []
    assert _ids(await store.search(ME, "improbable")) == [answer.id]
    ended = replace(the_end(lease.turn_id, None), removed=[answer.id])
    await store.end(lease, ended, LEASE_S)
    assert await store.search(ME, "improbable") == []
    assert _ids(await store.search(ME, "unlikely")) == question
    await store.delete(ME, header.id)
    assert await store.search(ME, "unlikely") == []
