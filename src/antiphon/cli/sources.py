"""What an answer relies on: the places that it cites, as a list below it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from antiphon.cli.sheets import visible
from antiphon.domain.messages import Block


def sources_of(content: Iterable[Block]) -> list[str]:
    """One line for each place that is cited, in the order of the answer."""
    cited = (citation for block in content for citation in block.get("citations") or ())
    places = (_place(citation) for citation in cited if isinstance(citation, dict))
    return list(dict.fromkeys(filter(None, places)))


def source_lines(content: Iterable[Block]) -> Iterator[str]:
    """Nothing where nothing is cited."""
    sources = sources_of(content)
    if sources:
        yield ""
        yield "Sources:"
        yield from (f"{number}. {visible(source)}" for number, source in enumerate(sources, 1))


def _place(citation: Mapping[str, Any]) -> str:
    """Source of the kinds: the Messages API reference, "Citations". One of another kind tells its title."""
    title = _title(citation)
    match citation:
        case {"type": "page_location", "start_page_number": int(first), "end_page_number": int(end)}:
            last = end - 1  # the end is not part of it
            return f"{title}, page {first}" if last <= first else f"{title}, pages {first}-{last}"
        case {"url": str(url)} | {"source": str(url)} if url != title:
            return f"{title}, {url}" if title else url
        case _:
            return title


def _title(citation: Mapping[str, Any]) -> str:
    title = citation.get("document_title") or citation.get("title")
    if title:
        return str(title)
    index = citation.get("document_index")
    return f"document {index + 1}" if isinstance(index, int) else ""
