"""What a reader costs who follows a conversation in which nothing happens."""

from collections.abc import Iterator

import uvloop

from bench.clients import events_request, new_conversation
from bench.paced_readers import connect
from bench.processes import Measured
from bench.report import Table, kibibytes
from bench.servers import antiphon, canned_upstream
from bench.stores import store

READERS = 1000


def run() -> Iterator[Table]:
    with store("SQLite") as address, canned_upstream() as upstream, antiphon(upstream, address) as server:
        rows = uvloop.run(_measure(server))
    yield Table(
        title=f"Memory of the server per reader, {READERS:,} readers that wait",
        columns=("", "RSS", "PSS"),
        rows=[(name, kibibytes(rss), kibibytes(pss)) for name, rss, pss in rows],
    )


async def _measure(server: Measured) -> list[tuple[str, float, float]]:
    conversations = [await new_conversation(server.port) for _ in range(READERS)]
    kept = [await _asking(server.port, conversations[:100])]
    rows = []
    for name, followed in (
        ("a connection that asks for nothing", [""] * READERS),
        ("a reader of one conversation that all follow", conversations[:1] * READERS),
        ("a reader of a conversation of its own", conversations),
    ):
        rss, pss = server.rss_bytes(), server.pss_bytes()
        kept.append(await _asking(server.port, followed))
        rows.append((name, (server.rss_bytes() - rss) / READERS, (server.pss_bytes() - pss) / READERS))
    return rows


async def _asking(port: int, followed: list[str]) -> list[object]:
    """Connections, each of which has what there is so far and waits for more."""
    readers = [await connect(port, events_request(each) if each else b"") for each in followed]
    for reader, conversation_id in zip(readers, followed, strict=True):
        if conversation_id:
            await reader.begun
    return [*readers]
