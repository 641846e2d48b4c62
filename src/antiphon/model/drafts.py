"""Requests that the SDK puts together before their content is known.

It takes the SDK about as long to put a request together as it takes a disk to keep what announces it, and all
of it but the content is the same each time. So one is always ready, and who asks does not wait for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context, copy_context
from typing import Any, TypeAlias

import anthropic
from anthropic import AsyncAPIResponse, AsyncStream

from antiphon.domain.plans import RequestPlan
from antiphon.model.failures import failure, presentable
from antiphon.model.faults import Fault
from antiphon.model.request import headers_of, streaming_body
from antiphon.model.transport import CONTENT, PACE, AskedStream, Content, UnpackedBody, body_of, handed_over
from antiphon.model.upstream import Pace

Body: TypeAlias = AskedStream | UnpackedBody

_HEADERS = {
    "content-type": "application/json",
    # Compressed events would have to be unpacked one by one, and save nothing at their size.
    "accept-encoding": "identity",
    # How the SDK is asked for the response itself: its own wrappers set this header.
    "x-stainless-raw-response": "stream",
}


def content_of(plan: RequestPlan, pace: Pace) -> Content:
    """What a request says, in the context of the caller."""
    context = copy_context()
    context.run(PACE.set, pace)
    return Content(streaming_body(plan), headers_of(plan), context)


class Draft:
    """One request, from when the SDK begins with it until the headers of its response are here."""

    def __init__(self, client: anthropic.AsyncAnthropic, context: Context) -> None:
        self._content: asyncio.Future[Content] = asyncio.get_running_loop().create_future()
        context.run(CONTENT.set, self._content)
        self._response = asyncio.get_running_loop().create_task(_post(client), context=context)
        self._response.add_done_callback(_heard)

    @property
    def waits(self) -> bool:
        """Whether it can still be sent."""
        return not self._response.done()

    async def send(self, content: Content) -> tuple[Body, str | None]:
        """The body of the response as soon as its headers are here, and its request id.

        Nothing else of it is kept: the SDK's and httpx2's objects are several times as large as all that an
        answer under way needs. Raises what the SDK does.
        """
        self._content.set_result(content)
        return await handed_over(self._response, _close)

    async def drop(self) -> None:
        """It will not be sent."""
        self._response.cancel()
        await asyncio.gather(self._response, return_exceptions=True)


class Drafts:
    """Those of one client."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client
        self._ahead: Draft | None = None

    @property
    def ready(self) -> bool:
        """Whether one is there before anybody asks."""
        return self._ahead is not None and self._ahead.waits

    def take(self) -> Draft:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.waits:
            return ahead
        return Draft(self._client, copy_context())

    def prepare(self) -> None:
        """Have the next one ready. Not where what signs it may have changed by then."""
        if not self.ready and self._client.credentials is None:
            self._ahead = Draft(self._client, Context())  # it is nobody's yet

    async def close(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await ahead.drop()


class _Later:
    """In the place of a body that is not known yet: the transport puts it in, and reads nothing of this."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("the transport did not put the content in")


async def _post(client: anthropic.AsyncAnthropic) -> tuple[Body, str | None]:
    response: Any = await client.post(
        "/v1/messages",
        content=_Later(),
        cast_to=object,
        stream=True,
        stream_cls=AsyncStream[object],
        options={"headers": _HEADERS},
    )
    try:
        _require_events(response)
    except BaseException:
        await response.close()
        raise
    return body_of(response.http_response), response.request_id


async def _close(answered: tuple[Body, str | None]) -> None:
    body, _ = answered
    await body.aclose()


def _heard(response: "asyncio.Task[tuple[Body, str | None]]") -> None:
    """Of one that failed before anybody took it, nobody else hears."""
    if not response.cancelled():
        response.exception()


def _require_events(response: AsyncAPIResponse[object]) -> None:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        what = presentable(kind) or "nothing that is named"
        raise failure(Fault(kind="not_a_stream", began=True, what=what, request_id=response.request_id))
