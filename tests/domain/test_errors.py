"""The tree that is drawn in `errors.py` is the tree that is there."""

import inspect
import re

import pytest

from antiphon import errors
from antiphon.errors import AnswerInterrupted, AntiphonError

DRAWN = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)", re.MULTILINE)
CLASSES = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == errors.__name__
]


def drawn_parents() -> dict[str, str]:
    """Each class in the docstring with the one it hangs on, read off the indentation."""
    assert errors.__doc__ is not None
    above: list[tuple[int, str]] = [(-1, "Exception")]
    parents: dict[str, str] = {}
    for found in DRAWN.finditer(errors.__doc__):
        depth, name = len(found["indent"]), found["name"]
        while above[-1][0] >= depth:
            above.pop()
        assert name not in parents, f"{name} is drawn twice"
        parents[name] = above[-1][1]
        above.append((depth, name))
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    assert drawn_parents() == {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_problem_name_and_a_title(kind: type[AntiphonError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.name)
    assert kind.title[0].isupper()
    assert not kind.title.endswith(".")
    assert isinstance(kind.retryable, bool)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_says_its_sentence_and_carries_its_facts(kind: type[AntiphonError]) -> None:
    error = kind("It rained; nothing was stored.", turn_id="t1")
    assert str(error) == error.detail == "It rained; nothing was stored."
    assert error.facts == {"turn_id": "t1"}


def test_what_was_seen_of_a_cut_answer_comes_with_the_error() -> None:
    error = AnswerInterrupted("Cut.", partial="Once upon", turn_id="t1")
    assert (error.partial, error.facts, error.retryable) == ("Once upon", {"turn_id": "t1"}, True)
