"""Outcomes that are no answer of the API: an error, a page of a proxy, a lost connection."""

from collections.abc import Mapping

from antiphon.simulator.encoding import HEADERS, compressed
from antiphon.simulator.errors import scripted_error
from antiphon.simulator.http import Exchange
from antiphon.simulator.script import Drop, Fail, NoAnswer, Page


async def decline(outcome: NoAnswer, exchange: Exchange, now: float) -> None:
    """Let it happen.

    Raises:
        ApiError: it is an error, which is answered like any other.
    """
    match outcome:
        case Page():
            await _page(outcome, exchange)
        case Drop():
            await exchange.reset() if outcome.reset else exchange.hang_up()
        case Fail():
            raise scripted_error(outcome, now)


async def _page(page: Page, exchange: Exchange) -> None:
    headers: Mapping[str, str] = {"content-type": page.content_type, **page.headers}
    body = page.body.encode()
    if page.gzip and exchange.accepts_gzip:
        headers, body = {**headers, **HEADERS}, compressed(body)
    await exchange.respond(page.status, headers, body)
