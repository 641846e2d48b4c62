"""Markdown drawn as it comes: nothing lost, nothing twice, whatever the window and however it arrives."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from antiphon.cli.markdown_lines import THEME
from antiphon.cli.painter import Painter
from antiphon.cli.sheets import AGAIN, MarkdownSheet
from tests.cli.glass import Glass


def drawn(pieces: list[str], columns: int = 80, lines: int = 24) -> Glass:
    """What a person sees of an answer that comes in these pieces."""
    glass = Glass(columns, lines)
    console = Console(file=glass, force_terminal=True, color_system="truecolor", theme=THEME)
    sheet = MarkdownSheet(Painter(glass, glass.window), console)
    for piece in pieces:
        sheet.write(piece)
    sheet.end()
    return glass


def in_pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


KINDS = ("paragraph", "heading", "bullets", "numbers", "code", "quote", "nested")


@st.composite
def answers(draw: st.DrawFn) -> str:
    """Markdown whose words are numbered: w0 w1 w2 …"""
    words = (f"w{number}" for number in range(10_000))

    def sentence() -> str:
        return " ".join(next(words) for _ in range(draw(st.integers(1, 12))))

    def block() -> str:
        kind = draw(
            st.sampled_from(["paragraph", "heading", "bullets", "numbers", "code", "quote", "nested"])
        )
        rows = [sentence() for _ in range(draw(st.integers(1, 8)))]
        match kind:
            case "heading":
                return f"## {rows[0]}\n\n" + "\n".join(rows[1:])
            case "bullets":
                return "\n".join(f"- {row}" for row in rows)
            case "numbers":
                return "\n".join(f"{number}. {row}" for number, row in enumerate(rows, 1))
            case "nested":
                return "\n".join(f"- {rows[0]}\n  - {row}\n\n    {next(words)}" for row in rows[1:])
            case "code":
                blank = draw(st.sampled_from(["", "\n"]))
                return "```python\n" + f"\n{blank}".join(rows + [next(words) for _ in range(20)]) + "\n```"
            case "quote":
                return "\n".join(f"> {row}" for row in rows)
            case _:
                return " ".join(rows)

    return "\n\n".join(block() for _ in range(draw(st.integers(1, 6))))


@settings(max_examples=25, deadline=None)
@given(text=answers(), size=st.integers(3, 60), columns=st.integers(12, 60), lines=st.integers(3, 30))
def test_each_word_is_on_the_screen_once_and_in_order(text: str, size: int, columns: int, lines: int) -> None:
    glass = drawn(in_pieces(text, size), columns, lines)
    seen = "\n".join(glass.rows)
    assert re.findall(r"w\d+", seen) == re.findall(r"w\d+", text)


MARKS = (
    "# ", "- ", "1. ", "\n", "\n\n", "    ", "`", "```py\n", "**", "_", "[", "](http://x)", "<b>", "> ", "|",
    "|-|\n", "| a |\n", "word ", "\\", "&amp;", "---", "日本", "👍🏽", "\x1b[2J", "\r\n", "<http://a.b>",
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(marks=st.lists(st.sampled_from(MARKS), max_size=40), size=st.integers(1, 9))
@example(marks=["\n\n", "    ", "    ", "`", "\n", "_"], size=9)
def test_any_text_can_be_drawn(marks: list[str], size: int) -> None:
    drawn(in_pieces("".join(marks), size), columns=20, lines=6)


@settings(max_examples=25, deadline=None)
@given(text=answers(), size=st.integers(3, 60))
def test_on_a_tall_screen_the_pieces_do_not_matter(text: str, size: int) -> None:
    assert drawn(in_pieces(text, size), lines=2000).rows == drawn([text], lines=2000).rows


def test_what_stands_there_is_not_drawn_again() -> None:
    answer = "\n\n".join(f"Paragraph {number} of many." for number in range(100))
    assert drawn(in_pieces(answer, 5)).written < 12 * len(answer)


def test_long_code_comes_out_as_it_is() -> None:
    code = [f"    value_{number} = {number}  # {'日本' * 5}" for number in range(100)]
    code.insert(50, "")
    answer = "Before:\n\n```python\n" + "\n".join(code) + "\n```\n\nAfter."
    glass = drawn(in_pieces(answer, 11), columns=60, lines=10)
    indented = [f"  {line}".rstrip() for line in code]
    assert glass.rows == ["Before:", "", *indented, "", "After.", ""]


def test_an_answer_cannot_steer_the_terminal() -> None:
    glass = drawn(["Look: \x1b]0;title\x07 \x1b[2J\r\x9b1m\x7f."])
    assert glass.rows[0] == "Look: ␛]0;title␇ ␛[2J\ufffd1m\ufffd."


def test_the_items_of_a_list_keep_the_numbers_that_the_list_gives_them() -> None:
    rows = drawn(in_pieces("1. one\n1. two\n1. three\n\nAfter.\n\n7. seven\n8. eight\n", 3)).rows
    assert rows == [" 1 one", " 2 two", " 3 three", "", "After.", "", " 7 seven", " 8 eight", ""]


def test_a_table_is_drawn_whole() -> None:
    table = "| a | b |\n|---|---|\n" + "".join(f"| {n} | x{n} |\n" for n in range(30))
    rows = drawn(in_pieces(table + "\nAfter.", 4), lines=8).rows
    assert [row.split() for row in rows if " x" in row] == [[str(n), f"x{n}"] for n in range(30)]


def test_links_show_where_they_lead_and_html_is_shown_as_it_is() -> None:
    rows = drawn(["See [here](https://example.org), <https://example.com> and <b>this</b>."]).rows
    assert rows[0] == "See here (https://example.org), https://example.com and <b>this</b>."


def test_a_new_attempt_leaves_what_was_seen_and_says_so() -> None:
    glass = Glass()
    console = Console(file=glass, force_terminal=True, color_system="truecolor", theme=THEME)
    sheet = MarkdownSheet(Painter(glass, glass.window), console)
    sheet.write("Half of an")
    sheet.start_again()
    sheet.write("A whole answer.")
    sheet.end()
    assert glass.rows == ["Half of an", AGAIN, "A whole answer.", ""]


def test_a_person_who_waits_is_told_so_until_the_first_word() -> None:
    glass = Glass()
    console = Console(file=glass, force_terminal=True, color_system="truecolor", theme=THEME)
    sheet = MarkdownSheet(Painter(glass, glass.window), console)
    sheet.wait(3)
    assert glass.rows == ["… 3 s, Ctrl-C stops"]
    sheet.write("Now.")
    sheet.wait(4)
    sheet.end()
    assert glass.rows == ["Now.", ""]


def thinking_on(columns: int, thoughts: list[str], answer: str) -> Glass:
    glass = Glass(columns, 10)
    console = Console(file=glass, force_terminal=True, color_system="truecolor", theme=THEME)
    sheet = MarkdownSheet(Painter(glass, glass.window), console)
    for thought in thoughts:
        sheet.think(thought)
        sheet.wait(3)
    for piece in in_pieces(answer, 3) if answer else ():
        sheet.write(piece)
    sheet.end()
    return glass


def test_thinking_stands_before_the_answer() -> None:
    rows = thinking_on(40, ["I ", "wonder.\n\nYes", ", that is it.  "], "So **be** it.").rows
    assert rows == ["I wonder.", "", "Yes, that is it.", "", "So be it.", ""]


@settings(max_examples=40, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(["a", "word", "日本", "👍🏽", "extraordinarily-long", "\n", "\n\n"]), max_size=60
    ),
    size=st.integers(1, 9),
    columns=st.integers(12, 40),
)
def test_thinking_is_on_the_screen_once_whatever_its_pieces(
    words: list[str], size: int, columns: int
) -> None:
    text = " ".join(words)
    rows = thinking_on(columns, in_pieces(text, size), "").rows
    assert "".join("".join(rows).split()) == "".join(text.split())


def test_thinking_after_some_text_begins_below_it() -> None:
    glass = Glass(40, 10)
    console = Console(file=glass, force_terminal=True, color_system="truecolor", theme=THEME)
    sheet = MarkdownSheet(Painter(glass, glass.window), console)
    sheet.write("I look it up.")
    sheet.think("Found.")
    sheet.write("It is 42.")
    sheet.end()
    assert glass.rows == ["I look it up.", "", "Found.", "", "It is 42.", ""]
