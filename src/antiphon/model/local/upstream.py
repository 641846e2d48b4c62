"""The local model behind the same seam as Claude, through the same door to the SDK: its whole life."""

import asyncio
import importlib.util
import os
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from antiphon.domain.plans import RequestPlan
from antiphon.errors import ConfigurationError, UpstreamFailed, UpstreamRejected
from antiphon.model.client import ClaudeUpstream
from antiphon.model.local.catalogue import DEFAULT, Weights, model_chosen
from antiphon.model.local.parts import Progress, no_progress
from antiphon.model.local.process import ServerProcess
from antiphon.model.local.reconnect import Reconnecting
from antiphon.model.local.server import Orders
from antiphon.model.local.translate import Translating
from antiphon.model.local.weights import fetch, models_folder
from antiphon.model.upstream import Upstream
from antiphon.model.wire import StreamEvent

DEADLINE_S = 600.0
"""What a turn needs here instead of `ANTIPHON_DEADLINE_S`: reading a long prompt alone can take a minute."""

DEATH_S = 1.0
"""A killed process closes its connections a moment before it can be seen as dead."""


class LocalUpstream:
    """Answers from a model on this machine. Fetched and started with the first request, or by `start`.

    If its process ends, the request under way fails as retryable and the next one starts it again.
    """

    def __init__(
        self, model: str = DEFAULT.name, *, folder: Path | None = None, progress: Progress = no_progress
    ) -> None:
        """`model` is a name from the catalogue or a GGUF file's path; `folder` is where weights are kept.

        Raises:
            ConfigurationError: there is no such model, or the runtime is not installed.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise ConfigurationError(
                'The local model needs its runtime, which is not installed: pip install "antiphon[local]".'
            )
        self._model = model_chosen(model)
        self._folder = folder or models_folder(os.environ)
        self._progress = progress
        self._starting = asyncio.Lock()
        self._process: ServerProcess | None = None
        self._door: Upstream | None = None

    @property
    def title(self) -> str:
        """The name to show beside an answer."""
        return self._model.title if isinstance(self._model, Weights) else self._model.name

    def describe(self) -> str:
        """The sentence that tells people who answers, and how to talk to Claude instead."""
        who = (
            self._model.introduction
            if isinstance(self._model, Weights)
            else f"A local model, {self._model.name}, answers."
        )
        return f"{who} Set ANTHROPIC_API_KEY to talk to Claude."

    async def start(self) -> None:
        """Fetch the weights if needed and start the process. Idempotent.

        Raises:
            ConfigurationError: fetching or starting failed; the sentence says what to do.
        """
        await self._opened()

    async def stream(self, plan: RequestPlan) -> AsyncGenerator[Sequence[StreamEvent], None]:
        door = await self._answering()
        try:
            async with aclosing(door.stream(plan)) as batches:
                async for batch in batches:
                    yield batch
        except UpstreamFailed:
            await self._look_for_death()
            raise

    async def count_tokens(self, plan: RequestPlan) -> int:
        """The tokens of what is left of this plan for the local model."""
        door = await self._answering()
        try:
            return await door.count_tokens(plan)
        except UpstreamFailed:
            await self._look_for_death()
            raise

    async def close(self) -> None:
        """Stop the process. A later request starts it again."""
        async with self._starting:
            await self._shut()

    async def _look_for_death(self) -> None:
        """A process that died is seen as dead after this, so that the next request starts it anew."""
        if self._process:
            await self._process.died_within(DEATH_S)

    async def _answering(self) -> Upstream:
        """The door to a running process; what is wrong with its configuration ends this answer."""
        try:
            return await self._opened()
        except ConfigurationError as error:
            raise UpstreamRejected(error.detail, began=False, sent=False) from error

    async def _opened(self) -> Upstream:
        async with self._starting:
            if self._process is None or self._door is None or not self._process.alive:
                await self._shut()
                self._process = await ServerProcess.start(await self._orders())
                self._door = self._door_to(self._process)
            return self._door

    def _door_to(self, process: ServerProcess) -> Upstream:
        claude = ClaudeUpstream(base_url=process.base_url, api_key=process.key, stall_s=DEADLINE_S)
        return Translating(Reconnecting(claude), self.title)

    async def _shut(self) -> None:
        door, self._door = self._door, None
        process, self._process = self._process, None
        if door:
            await door.close()
        if process:
            await process.stop()

    async def _orders(self) -> Orders:
        if isinstance(self._model, Weights):
            path = await _fetched(self._model, self._folder, self._progress)
            return Orders(path=str(path), temperature=self._model.temperature)
        return Orders(path=str(self._model))


class _NotWanted(Exception):
    """Whoever waited for the weights has left."""


async def _fetched(weights: Weights, folder: Path, progress: Progress) -> Path:
    """`fetch` in a thread, which gives up soon after this is cancelled."""
    left = threading.Event()

    def report(done: int, total: int) -> None:
        if left.is_set():
            raise _NotWanted
        progress(done, total)

    try:
        return await asyncio.to_thread(fetch, weights, folder, report)
    finally:
        left.set()
