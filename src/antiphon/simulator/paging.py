"""Lists that come in pages. Source: the pagination section of the API reference."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from antiphon.simulator.errors import ApiError

DEFAULT, MOST = 20, 1_000
"""Items on a page."""


class Query:
    """The parameters of a request; a list is `name[]=a&name[]=b`, `name=a&name=b` or `name=a,b`."""

    def __init__(self, query: str) -> None:
        self._values: Mapping[str, list[str]] = parse_qs(query)

    def one(self, name: str) -> str | None:
        return self._values[name][-1] if name in self._values else None

    def many(self, name: str) -> list[str]:
        given = [*self._values.get(f"{name}[]", ()), *self._values.get(name, ())]
        return [part for value in given for part in value.split(",")]

    def limit(self) -> int:
        """How many items a page may have. Raises ApiError."""
        text = self.one("limit")
        limit = DEFAULT if text is None else int(text) if text.isdecimal() else 0
        if not 1 <= limit <= MOST:
            raise ApiError(400, f"limit: Input should be between 1 and {MOST}")
        return limit


def page_by_id(items: Sequence[dict[str, Any]], query: Query) -> dict[str, Any]:
    """The page after `after_id`, or the one right before `before_id`."""
    names = [item["id"] for item in items]
    after, before, limit = query.one("after_id"), query.one("before_id"), query.limit()
    if before in names:
        end = names.index(before)
        start = max(end - limit, 0)
        page, more = items[start:end], start > 0
    else:
        start = names.index(after) + 1 if after in names else 0
        page, more = items[start : start + limit], len(items) > start + limit
    ends = {
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
    return {"data": list(page), "has_more": more, **ends}


def page_by_cursor(items: Sequence[dict[str, Any]], query: Query) -> dict[str, Any]:
    """The page that `page` stands for, and the cursor of the next one."""
    cursor = (query.one("page") or "page_0").removeprefix("page_")
    if not cursor.isdecimal():
        raise ApiError(400, "page: this is no cursor of an earlier page")
    start, limit = int(cursor), query.limit()
    more = len(items) > start + limit
    return {
        "data": list(items[start : start + limit]),
        "next_page": f"page_{start + limit}" if more else None,
    }
