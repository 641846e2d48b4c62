"""The thin shell around `dialect`: a local server's door on one side, the API's ways on the other."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from antiphon.domain.plans import RequestPlan
from antiphon.errors import AnswerError
from antiphon.model.local import dialect, fitting
from antiphon.model.upstream import AT_ONCE, Pace, Upstream
from antiphon.model.wire import StreamEvent


class Translating:
    """An `Upstream` around the door to a local server; `title` is the model's name in sentences."""

    def __init__(self, door: Upstream, title: str, *, tools: bool = False) -> None:
        """`tools`: the model can use them."""
        self._door = door
        self._title = title
        self._tools = tools

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """As `Upstream.stream`. Where the history is long, tokens are counted before the one request."""
        try:
            await pace.may_go()
            sent = await self._fitted(plan)
            started = False
            async with aclosing(self._door.stream(sent)) as batches:
                async for batch in batches:
                    if not started and not dialect.starts(batch):
                        yield [dialect.start(plan.model, await self._door.count_tokens(sent))]
                    started = True
                    yield [dialect.answered(event, plan.model, sent.max_tokens) for event in batch]
        except AnswerError as error:
            raise dialect.failure(error, self._title) from error

    async def count_tokens(self, plan: RequestPlan) -> int:
        """The tokens of what is left of this plan for the local model."""
        try:
            return await self._door.count_tokens(await self._fitted(plan))
        except AnswerError as error:
            raise dialect.failure(error, self._title) from error

    async def close(self) -> None:
        await self._door.close()

    async def _fitted(self, plan: RequestPlan) -> RequestPlan:
        """The plan as it can be sent, with as much history as the model reads in bearable time."""
        for candidate, size in fitting.histories(dialect.spoken(plan, tools=self._tools)):
            if fitting.surely_fits(candidate, size):
                return candidate
            if fitting.hopeless(size):
                continue
            if await self._door.count_tokens(candidate) <= fitting.HISTORY_TOKENS:
                return candidate
        raise dialect.too_long(self._title)
