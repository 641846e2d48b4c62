"""The seam to a model: what the engine needs of one, whoever answers."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from antiphon.domain.plans import RequestPlan
from antiphon.model.wire import StreamEvent


class Upstream(Protocol):
    def stream(self, plan: RequestPlan) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """Send one request and yield its events, as many at a time as arrived together.

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
