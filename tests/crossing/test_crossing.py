"""Every way in which Claude may end or break an answer, by every way to ask, with whatever is left to try.

Short runs take so many rows that any two of these meet; `make soak` takes all of them.
"""

from collections.abc import Sequence
from contextlib import closing
from itertools import count, product

import pytest

from antiphon.simulator import Reply
from tests.crossing.books import Books
from tests.crossing.cases import ENDINGS, FAULTS, GOOD, PLACES, Case, broken
from tests.crossing.checks import check_goes_on, check_history, check_ledger, check_requests, check_words
from tests.crossing.faces import FACES
from tests.crossing.oracle import due, sign, text_is_due
from tests.crossing.pairs import pairwise
from tests.crossing.world import LEFT, Left, Terms, World

_names = count(1)

OTHER_FACES = [face for face in FACES if face != "v1"]

Row = tuple[Case, str, Left]

SOME: Sequence[Row] = [
    *((broken(fault, place), "v1", LEFT[n % 3]) for n, (fault, place) in enumerate(product(FAULTS, PLACES))),
    *(
        (broken(fault, place), face, left)
        for fault, place, face, left in pairwise([*FAULTS], [*PLACES], OTHER_FACES, LEFT)
    ),
    *pairwise(ENDINGS, [*FACES], LEFT),
]
ALL: Sequence[Row] = [
    *((broken(*struck), face, left) for *struck, face, left in product(FAULTS, PLACES, FACES, LEFT)),
    *product(ENDINGS, FACES, LEFT),
]


@pytest.mark.parametrize(("case", "face", "left"), SOME, ids=str)
def test_whatever_claude_does_a_person_gets_what_is_due(
    world: World, books: Books, case: Case, face: str, left: Left
) -> None:
    cross(world, books, case, face, Terms(left, case.stalls))


@pytest.mark.soak
@pytest.mark.parametrize(("case", "face", "left"), ALL, ids=str)
def test_every_combination(world: World, books: Books, case: Case, face: str, left: Left) -> None:
    cross(world, books, case, face, Terms(left, case.stalls))


def cross(world: World, books: Books, case: Case, face_name: str, terms: Terms) -> None:
    name = f"crossing-{next(_names)}"
    with closing(FACES[face_name](world, terms, name)) as face:
        world.simulator.forget()
        world.simulator.script(*case.script, Reply(text=GOOD))
        seen = face.ask("Question?")
        expected = due(case, face, terms, seen)
        book = books.read(name, face.conversation_id)
        assert seen.sign == sign(expected, face_name), seen
        assert text_is_due(expected, case, face_name, seen.text), seen
        check_words(expected, seen)
        check_requests(world, terms, expected)
        check_ledger(world, case, expected, book)
        check_history(expected, case, book)
        check_goes_on(world, books, face, name)
