"""What the guide to errors says is what the program does."""

import re
from collections.abc import Mapping
from typing import get_args

import pytest

from antiphon.cli.exits import BY_PROBLEM, Exit
from antiphon.model.failures import BY_KIND, BY_STATUS, BY_TYPE, failure
from antiphon.model.faults import Fault, Kind, fault_of_event
from antiphon.model.retry import Help, help_for
from antiphon.model.stops import _ROWS
from antiphon.server.problems import STATUS
from tests.docs.pages import Row, tables

PAGE = "docs/guides/errors.md"
BY_HTTP, BY_OTHER, BY_STOP, TOLD = (table[1:] for table in tables(PAGE))

WORDS: Mapping[Help, str] = {"again": "again", "elsewhere": "another model", "nothing": "nothing"}


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", BY_HTTP, ids=lambda row: row[0])
def test_what_is_said_of_a_status_is_what_is_done(row: Row) -> None:
    where, error_type, problem, helps = row
    status, *code = spans(where)
    fault = Fault(
        kind="answered",
        status=int(status),
        error_type=spans(error_type)[0] if error_type else None,
        error_code=code[0] if code else None,
    )
    error = failure(fault)
    assert (error.name, WORDS[help_for(error)]) == (spans(problem)[0], helps)


@pytest.mark.parametrize("row", [row for row in BY_HTTP if row[1]], ids=lambda row: row[0])
def test_the_same_is_done_in_the_middle_of_a_stream(row: Row) -> None:
    where, error_type, problem, helps = row
    _, *code = spans(where)
    event = {"type": spans(error_type)[0], "details": {"error_code": code[0] if code else None}}
    error = failure(fault_of_event(event))
    assert (error.name, WORDS[help_for(error)]) == (spans(problem)[0], helps)


@pytest.mark.parametrize("row", BY_OTHER, ids=lambda row: row[0])
def test_what_is_said_of_a_connection_is_what_is_done(row: Row) -> None:
    what, problem, helps = row
    (kind,) = [span for span in spans(what) if span in get_args(Kind)]
    error = failure(Fault(kind=kind))  # type: ignore[arg-type]  # it is one of them
    assert (error.name, WORDS[help_for(error)]) == (spans(problem)[0], helps)


@pytest.mark.parametrize(("advice", "helps"), [(True, "again"), (False, "elsewhere")])
def test_advice_is_believed(advice: bool, helps: Help) -> None:
    assert help_for(failure(Fault(kind="answered", status=529, should_retry=advice))) == helps
    spent = Fault(kind="answered", status=402, should_retry=advice)
    assert help_for(failure(spent)) == "nothing"


def test_nothing_is_left_out() -> None:
    assert {span for row in BY_HTTP for span in spans(row[1])} == set(BY_TYPE)
    unseen = {499}  # of proxies that log it; Claude does not send it
    assert {int(spans(row[0])[0]) for row in BY_HTTP} >= set(BY_STATUS) - unseen
    assert {spans(row[0])[-1] for row in BY_OTHER} == set(BY_KIND)
    assert {spans(row[0])[0] for row in BY_STOP} == set(_ROWS)


@pytest.mark.parametrize("row", TOLD, ids=lambda row: row[0])
def test_statuses_and_exit_codes_are_those_of_the_program(row: Row) -> None:
    name = spans(row[0])[0]
    assert int(row[1]) == STATUS[name]
    assert int(row[2]) == BY_PROBLEM.get(name, Exit.FAILED)


def test_the_table_of_problems_is_that_of_the_server() -> None:
    written = {
        spans(row[0])[0].removeprefix("/problems/"): int(row[1])
        for table in tables("docs/guides/http-api.md")
        for row in table[1:]
        if row[0].startswith("`/problems/")
    }
    assert written == {**STATUS, "internal": 500}
