"""What the README promises is tied to a test, and what it says of settings is what the program reads."""

import ast
from functools import cache
from typing import Any

import pytest

from antiphon.settings import Settings
from tests.docs.pages import ROOT, code_spans, tables

PROMISES = code_spans("README.md", "What is promised, and the test that shows it")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda spans: spans[-1].rpartition("::")[2])
def test_every_promise_names_tests_that_exist(promise: list[str]) -> None:
    named = [span for span in promise if "::" in span]
    assert named, f"no test is named beside {promise}"
    for span in named:
        path, _, name = span.partition("::")
        assert name in functions(path), span


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 8


def test_the_table_of_settings_is_that_of_the_program() -> None:
    (table,) = [table for table in tables("README.md") if table[0][0] == "Setting"]
    written = {name.strip("`"): default.strip("`") for name, default, _ in table[1:]}
    read = {
        f"ANTIPHON_{name.upper()}": shown(field.default)
        for name, field in Settings.model_fields.items()
        if name not in ("models", "tools", "mcp")  # tables of `antiphon.toml`, told of elsewhere
    }
    assert written == read


def shown(default: Any) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return "on" if default else "off"
        case float():
            return f"{default:g}"
        case _:
            return str(default)


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))
