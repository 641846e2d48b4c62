"""What holds of every combination, whatever is due to the person."""

from tests.crossing.books import Book, Books
from tests.crossing.cases import DECLINED, SAID, Case
from tests.crossing.faces import Face, Seen
from tests.crossing.oracle import Due
from tests.crossing.world import KEY, Terms, World
from tests.server.histories import asked, messages_of

AND_NOW = "And now?"


def check_words(due: Due, seen: Seen) -> None:
    """One sentence or two for people, and nothing of the program's insides."""
    if due.ended == "broken":
        assert seen.sentence.endswith(".")
        assert "\n" not in seen.sentence
        if due.kept:
            assert "unchanged" not in seen.sentence, "a part of the answer is in the history"
        else:
            assert "kept" not in seen.sentence
    if due.ended == "refused":
        assert DECLINED in (seen.sentence, seen.text[-len(DECLINED) :])
    for leaked in (KEY, "Traceback", "Exception", "aiohttp", "anthropic.", "Error("):
        assert leaked not in seen.sentence + seen.everything, leaked


def check_requests(world: World, terms: Terms, due: Due) -> None:
    """Who was asked, in which order; and never more often for one step than is allowed."""
    models = tuple(request.body["model"] for request in asked(world.simulator))
    assert models == due.models
    assert len(due.failures) + (due.ended == "completed") <= max(terms.attempts, 1)


def check_ledger(world: World, case: Case, due: Due, book: Book) -> None:
    """One entry for each request: at its cost by the bill, or, if nobody knows that, at the most."""
    requests = asked(world.simulator)
    assert [attempt.model for attempt in book.attempts] == list(due.models)
    assert len({attempt.place for attempt in book.attempts}) == len(book.attempts)
    assert tuple(n for n, attempt in enumerate(book.attempts) if attempt.failed) == due.failures
    bill = {charge.number: charge.nano_dollars for charge in world.simulator.bill.charges}
    for request, attempt in zip(requests, book.attempts, strict=True):
        billed = bill.get(request.number, 0)
        if not attempt.failed:
            assert attempt.cost == billed
        else:
            assert attempt.cost == (attempt.held if case.charged else 0)
            assert attempt.cost >= billed, "no more was billed than is booked"
    assert book.ledger.requests == len(book.attempts)
    assert book.ledger.cost_nanodollars == sum(attempt.cost for attempt in book.attempts)
    assert book.ledger.open_nanodollars == 0
    assert book.ledger.unsettled_nanodollars == sum(each.cost for each in book.attempts if each.failed)


def check_history(due: Due, case: Case, book: Book) -> None:
    """What stays is the question with what was said; or nothing, and the conversation is as it was."""
    assert list(book.messages) == list(book.folded), "the tables are not the log's"
    if not due.kept:
        assert book.messages == []
        return
    question, *answers = [(message.role, _text(message.content)) for message in book.messages]
    assert question == ("user", "Question?")
    said = "".join(text for role, text in answers if role == "assistant")
    assert said.startswith(due.said)
    rest = said.removeprefix(due.said)
    assert SAID.startswith(rest)
    assert bool(rest) == due.broken_off


def check_goes_on(world: World, books: Books, face: Face, name: str) -> None:
    """The next message is answered: the simulator refuses what the Messages API would."""
    before = books.read(name, face.conversation_id)
    world.simulator.forget()
    assert face.ask_on(AND_NOW).startswith("You said:")
    (request,) = asked(world.simulator)
    sent = [text for role, text in messages_of(request) if role == "user" and text]
    assert sent[-1] == AND_NOW
    assert ("Question?" in sent) == bool(before.messages)
    after = books.read(name, face.conversation_id)
    assert list(after.messages) == list(after.folded)
    assert list(after.messages[: len(before.messages)]) == list(before.messages)


def _text(content: object) -> str:
    assert isinstance(content, tuple)
    return "".join(block.get("text", "") for block in content if block["type"] == "text")
