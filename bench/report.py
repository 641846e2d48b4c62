"""What a benchmark found, as a table: for the terminal, and for `docs/performance.md`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that must not grow beyond `at_most`."""

    what: str
    measured: float
    at_most: float
    unit: str

    def __str__(self) -> str:
        kept = "kept" if self.measured <= self.at_most else "MISSED"
        unit = self.unit and f" {self.unit}"
        return f"{self.what}: {_rounded(self.measured)}{unit}, limit {self.at_most:g}{unit}: {kept}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first cell of a row names it; the others are figures, ready to be read."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    limits: Sequence[Limit] = ()
    notes: Sequence[str] = ()

    def text(self) -> str:
        cells = [list(self.columns), *map(list, self.rows)]
        widths = [max(len(row[at]) for row in cells) for at in range(len(self.columns))]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells]
        return "\n".join([f"\n{self.title}", *(f"  {line}" for line in lines), *self._remarks("  ")])

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.title}**\n", *lines, *self._remarks("\n")])

    def _remarks(self, before: str) -> list[str]:
        return [f"{before}{remark}" for remark in (*map(str, self.limits), *self.notes)]


def _rounded(value: float) -> str:
    """To three places or so, also where it is large."""
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def kibibytes(size: float) -> str:
    return f"{size / 1024:.1f} KiB"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def write_into_page(name: str, machine: str, tables: Sequence[Table], path: Path = PAGE) -> None:
    """Put the tables between the marks of this benchmark. Raises ValueError: the page has none."""
    marks = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    body = "\n\n".join([*(table.markdown() for table in tables), f"*{machine}*"])
    page, count = marks.subn(lambda found: f"{found[1]}\n{body}\n\n{found[2]}", path.read_text())
    if count != 1:
        raise ValueError(f"{path.name} has no place for the figures of {name}")
    path.write_text(page)
