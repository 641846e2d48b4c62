"""The seam to a model: what the engine needs of one, whoever answers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from antiphon.domain.plans import RequestPlan
from antiphon.model.wire import StreamEvent


class Pace(Protocol):
    """When a request goes out, and when more of its answer is read."""

    async def may_go(self) -> None:
        """Returns when it may; until then it is made ready, and nothing of it is sent."""
        ...

    def read_on(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when more is to be read: now, or later. What comes meanwhile waits for it."""
        ...


class _AtOnce:
    async def may_go(self) -> None:
        pass

    def read_on(self, resume: Callable[[], None]) -> None:
        resume()


AT_ONCE: Pace = _AtOnce()


class Upstream(Protocol):
    def stream(self, plan: RequestPlan, pace: Pace = AT_ONCE) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """Send one request and yield its events, as many at a time as arrived together.

        It never goes out before `pace` lets it; where it can be done, the answer is read in that pace, too.

        One call is one HTTP request: nothing is retried here. The last event is always `MessageStop`; a
        stream that ends without it raises. Closing the generator closes the connection.

        Raises:
            AnswerError: one of its subclasses. `facts["began"]`: a response had begun. `facts["sent"]`: False
                only if the request cannot have arrived. Where known: `request_id`, `status`, `error_type`,
                `error_code`, `retry_after` (seconds), `should_retry` (what the provider advises).
        """
        ...

    async def count_tokens(self, plan: RequestPlan) -> int:
        """The input tokens this plan would use, as the provider counts them."""
        ...

    async def close(self) -> None: ...
