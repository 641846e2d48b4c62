"""What the benchmarks rest on: canned answers that are right, and figures that land where they belong."""

from pathlib import Path

import pytest

from antiphon.model.decode import EventDecoder
from antiphon.model.wire import BlockDelta
from bench import BENCHMARKS
from bench.load import Load, load_in
from bench.raw_http import body_of, request, take_request
from bench.report import PAGE, Limit, Table, quantile, write_into_page
from bench.upstream import steps


@pytest.mark.parametrize("load", [Load(1), Load(3), Load(7, 20)])
def test_a_canned_answer_has_the_deltas_that_the_message_asks_for(load: Load) -> None:
    asked = bytearray(request("POST", "/v1/messages", {"messages": [{"content": load.message}]}))
    body = take_request(asked)
    assert body is not None
    assert load_in(body) == load
    decoder = EventDecoder()
    events = decoder.feed(body_of(b"".join(steps(load))))
    said = "".join(event.delta["text"] for event in events if isinstance(event, BlockDelta))
    assert decoder.finish() is None
    assert len(said) == load.chars
    assert len(steps(load)) == (load.deltas if load.pace_ms else 1)


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert quantile([7.0], 0.5) == 7.0


def test_the_page_has_one_place_for_the_figures_of_each_benchmark() -> None:
    page = PAGE.read_text()
    assert {name: page.count(f"<!-- figures: {name} -->") for name in BENCHMARKS} == dict.fromkeys(
        BENCHMARKS, 1
    )
    assert page.count("<!-- end -->") == len(BENCHMARKS)


def test_new_figures_take_the_place_of_the_old_ones_and_of_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: a -->\nold\n<!-- end -->\n<!-- figures: b -->\n<!-- end -->\n")
    limit = Limit("at most", 12.34, 10, "ms")
    table = Table(title="Found", columns=("", "p50"), rows=[("it", "1 ms")], limits=[limit])
    write_into_page("a", "a machine", [table], page)
    figures = (
        "**Found**\n\n|  | p50 |\n| --- | ---: |\n| it | 1 ms |\n\nat most: 12.3 ms, limit 10 ms: MISSED"
    )
    assert page.read_text() == (
        f"before\n<!-- figures: a -->\n\n{figures}\n\n*a machine*\n\n<!-- end -->\n"
        "<!-- figures: b -->\n<!-- end -->\n"
    )
    with pytest.raises(ValueError, match="no place"):
        write_into_page("c", "a machine", [table], page)
