"""The Markdown pages of this project as a reader meets them: sections with examples, links, tables.

How an example is written::

    ```python or ```sh          run, in order, one namespace and one shell for all of a section (`## …`)
    ```text or ```json          right after such a fence: what it prints, compared
    any fence that begins with
    `# name.ext`                saved as that file, for a later example of the section to use
    <!-- not run: reason -->    right before a fence: not run, and the reason is told
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]

RUN = ("python", "sh")
OUTPUT = ("text", "json")

_NOT_RUN = re.compile(r"<!-- not run: (.+) -->\s*")
_FILE_NAME = re.compile(r"# ([\w-]+\.[a-z]+)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A fence. `line` is that of the first line of its code."""

    page: str
    line: int
    language: str
    code: str
    output: Output | None = None
    not_run: str | None = None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """The file that this example is, as its first line says."""
        match = _FILE_NAME.match(self.code)
        return match.group(1) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    page: str
    title: str
    examples: tuple[Example, ...]

    @property
    def where(self) -> str:
        return f"{self.page}#{anchor(self.title)}"


Row: TypeAlias = tuple[str, ...]


def pages() -> list[str]:
    """The README, its neighbours and everything under `docs`, as paths from the root."""
    found = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def sections(page: str) -> list[Section]:
    """The parts of a page that begin with a heading of the first or second rank."""
    tokens = _tokens(page)
    starts = [
        index for index, token in enumerate(tokens) if token.type == "heading_open" and token.tag in "h1 h2"
    ]
    ends = [*starts[1:], len(tokens)]
    return [
        Section(
            page=page,
            title=tokens[start + 1].content,
            examples=tuple(_examples(page, tokens[start:end])),
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def headings(page: str) -> list[str]:
    tokens = _tokens(page)
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def links(page: str) -> list[str]:
    children = [child for token in _tokens(page) for child in token.children or ()]
    found = [child.attrGet("href") or child.attrGet("src") for child in children]
    return [str(target) for target in found if target]


def code_spans(page: str, title: str) -> list[list[str]]:
    """The `code` in each list item of a section."""
    tokens = _tokens(page)
    titles = {index: after.content for index, after in enumerate(tokens[1:]) if _is_h2(tokens[index])}
    start = next(index for index, heading in titles.items() if heading == title)
    end = min((index for index in titles if index > start), default=len(tokens))
    items: list[list[str]] = []
    for token in tokens[start:end]:
        if token.type == "list_item_open":
            items.append([])
        elif items:
            items[-1] += [child.content for child in token.children or () if child.type == "code_inline"]
    return items


def tables(page: str) -> list[list[Row]]:
    """All tables, each with its head; cells as they are written."""
    found: list[list[list[str]]] = []
    for token, after in pairwise(_tokens(page)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(after.content)
    return [[tuple(row) for row in table] for table in found]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _is_h2(token: Token) -> bool:
    return token.type == "heading_open" and token.tag == "h2"


def _tokens(page: str) -> list[Token]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").parse(text)


def _examples(page: str, tokens: Sequence[Token]) -> Iterator[Example]:
    around = zip([None, *tokens[:-1]], tokens, [*tokens[1:], None], strict=True)
    told = False
    for before, token, after in around:
        if token.type != "fence" or told:
            told = False
            continue
        example = _example(page, token, before)
        told = after is not None and after.type == "fence" and _tells(after.info) and _prints(example)
        if told and after is not None:
            output = Output(language=after.info, text=after.content)
            example = _example(page, token, before, output)
        yield example


def _example(page: str, token: Token, before: Token | None, output: Output | None = None) -> Example:
    reason = _NOT_RUN.fullmatch(before.content) if before and before.type == "html_block" else None
    return Example(
        page=page,
        line=(token.map or [0])[0] + 2,
        language=token.info,
        code=token.content,
        output=output,
        not_run=reason.group(1) if reason else None,
    )


def _tells(language: str) -> bool:
    return language in OUTPUT


def _prints(example: Example) -> bool:
    return example.language in RUN and example.file_name is None
