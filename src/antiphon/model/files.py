"""Where references to files become their bytes: at the last moment before a request goes out."""

import base64
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeAlias

from antiphon.domain.files import File, file_ids, with_files
from antiphon.domain.messages import Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import NotFound
from antiphon.model.upstream import AT_ONCE, Pace, Upstream
from antiphon.model.wire import StreamEvent

Load: TypeAlias = Callable[[str, str], Awaitable[File]]
"""A principal's file by its id. Raises NotFound."""

ENCODED_MAX = 64_000_000
"""Characters of files that a process keeps encoded: those of a conversation are sent again and again."""

GONE = "[left out here: an attached file that was deleted]"


class WithFiles:
    """An `Upstream` around another one, which is given each file of a plan as the Messages API takes it.

    The same file becomes the same bytes each time, so that prefixes stay as they are.
    """

    def __init__(self, upstream: Upstream, load: Load, encoded_max: int = ENCODED_MAX) -> None:
        self._upstream = upstream
        self._load = load
        self._most = encoded_max
        self._kept: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._size = 0

    def stream(self, plan: RequestPlan, pace: Pace = AT_ONCE) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """As `Upstream.stream`; raises StoreUnavailable, too."""
        if wanted := _wanted(plan):
            return self._filled_stream(plan, wanted, pace)
        return self._upstream.stream(plan, pace)

    async def count_tokens(self, plan: RequestPlan) -> int:
        return await self._upstream.count_tokens(await self._filled(plan, _wanted(plan)))

    async def close(self) -> None:
        await self._upstream.close()

    async def _filled_stream(
        self, plan: RequestPlan, wanted: Sequence[str], pace: Pace
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        filled = await self._filled(plan, wanted)
        async with aclosing(self._upstream.stream(filled, pace)) as batches:
            async for batch in batches:
                yield batch

    async def _filled(self, plan: RequestPlan, wanted: Sequence[str]) -> RequestPlan:
        if not wanted:
            return plan
        sources = {file_id: await self._source(plan.principal, file_id) for file_id in wanted}

        def fill(block: Block) -> Block:
            source = sources[str(block["source"].get("file_id"))]
            if source is not None:
                return {**block, "source": source}
            return {**text_block(GONE), **{key: block[key] for key in ("cache_control",) if key in block}}

        messages = tuple(
            {**message, "content": [with_files(block, fill) for block in message["content"]]}
            for message in plan.messages
        )
        return replace(plan, messages=messages)

    async def _source(self, principal: str, file_id: str) -> dict[str, Any] | None:
        """None for a file that is gone."""
        if (known := self._kept.get((principal, file_id))) is not None:
            self._kept.move_to_end((principal, file_id))
            return known
        try:
            file = await self._load(principal, file_id)
        except NotFound:
            return None
        source = encoded(file)
        self._keep((principal, file_id), source)
        return source

    def _keep(self, place: tuple[str, str], source: dict[str, Any]) -> None:
        if len(source["data"]) > self._most or place in self._kept:
            return
        self._kept[place] = source
        self._size += len(source["data"])
        while self._size > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped["data"])


def _wanted(plan: RequestPlan) -> Sequence[str]:
    """The files that a plan refers to, each once. Without somebody whose they are there are none."""
    if not plan.principal:
        return ()
    return list(dict.fromkeys(found for message in plan.messages for found in file_ids(message["content"])))


def encoded(file: File) -> dict[str, Any]:
    """A file as a block's source: text as it is, all else as base64."""
    kind = file.facts.media.media_type
    if kind == "text/plain":
        return {"type": "text", "media_type": kind, "data": file.data.decode("utf-8-sig")}
    return {"type": "base64", "media_type": kind, "data": base64.b64encode(file.data).decode()}
