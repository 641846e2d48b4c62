"""A request that met a connection which the server had just closed is sent once more.

llama.cpp's server closes its connection after each streamed answer although it promised to keep it, a moment
after the client has put it back among its free ones. Sending again is right here: nothing had begun, and the
local model costs nothing.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from antiphon.domain.plans import RequestPlan
from antiphon.errors import UpstreamFailed
from antiphon.model.upstream import AT_ONCE, Pace, Upstream
from antiphon.model.wire import StreamEvent


class Reconnecting:
    """An `Upstream` around the door to a local server."""

    def __init__(self, door: Upstream) -> None:
        self._door = door

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        try:
            async with aclosing(self._door.stream(plan, pace)) as batches:
                async for batch in batches:
                    yield batch
        except UpstreamFailed as error:
            if not cut_before_it_began(error):
                raise
        else:
            return
        async with aclosing(self._door.stream(plan, pace)) as batches:
            async for batch in batches:
                yield batch

    async def count_tokens(self, plan: RequestPlan) -> int:
        try:
            return await self._door.count_tokens(plan)
        except UpstreamFailed as error:
            if not cut_before_it_began(error):
                raise
        return await self._door.count_tokens(plan)

    async def close(self) -> None:
        await self._door.close()


def cut_before_it_began(error: UpstreamFailed) -> bool:
    """The request went out, and no status came back."""
    return bool(error.facts.get("sent")) and not error.facts.get("began") and "status" not in error.facts
