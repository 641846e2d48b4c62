"""Nobody multiplies tokens by a price of their own: the price list is the only place that knows one."""

import ast
from pathlib import Path

import antiphon

SOURCES = Path(antiphon.__file__).parent
FLAT = {3, 15, 0.003, 0.015, 0.000003, 0.000015, 0.1, 1.25}
"""The prices and cache multipliers that are most often written into code, per token, thousand and million."""


def flat_prices(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            literal = any(isinstance(side, ast.Constant) and side.value in FLAT for side in sides)
            if literal and any("token" in ast.unparse(side).lower() for side in sides):
                found.append(ast.unparse(node))
    return found


def test_a_flat_price_would_be_found() -> None:
    assert flat_prices("cost = usage.input_tokens * 3 / 1_000_000")
    assert flat_prices("cost = 0.000015 * output_tokens")
    assert not flat_prices("bytes = tokens * 4")


def test_no_source_file_multiplies_tokens_by_a_flat_price() -> None:
    files = sorted(SOURCES.rglob("*.py"))
    assert len(files) > 10
    found = {str(path.relative_to(SOURCES)): flat_prices(path.read_text(encoding="utf-8")) for path in files}
    assert {path: where for path, where in found.items() if where} == {}
