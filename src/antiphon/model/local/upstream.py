"""The local model behind the same seam as Claude, through the same door to the SDK: its whole life."""

import asyncio
import importlib.util
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from antiphon.domain.plans import RequestPlan
from antiphon.errors import ConfigurationError, UpstreamFailed, UpstreamRejected
from antiphon.model.client import ClaudeUpstream
from antiphon.model.local.catalogue import Weights, model_chosen
from antiphon.model.local.parts import Progress, no_progress
from antiphon.model.local.process import ServerProcess
from antiphon.model.local.ready import FETCH_S, Readying
from antiphon.model.local.reconnect import Reconnecting
from antiphon.model.local.translate import Translating
from antiphon.model.local.weights import models_folder
from antiphon.model.upstream import AT_ONCE, Pace, Upstream
from antiphon.model.wire import StreamEvent

DEADLINE_S = 600.0
"""What a turn needs here instead of `ANTIPHON_DEADLINE_S`: reading a long prompt alone can take a minute."""

CHOOSE = "`antiphon local list` shows the others, and ANTIPHON_LOCAL_MODEL chooses one."
CLAUDE = "Set ANTHROPIC_API_KEY to talk to Claude."

DEATH_S = 1.0
"""A killed process closes its connections a moment before it can be seen as dead."""


class LocalUpstream:
    """Answers from a model on this machine. Fetched and started with the first request, or by `start`.

    If its process ends, the request under way fails as retryable and the next one starts it again.
    """

    def __init__(
        self,
        model: str | Weights | None = None,
        *,
        folder: Path | None = None,
        progress: Progress = no_progress,
        fetch_s: float = FETCH_S,
    ) -> None:
        """`model` is one of the catalogue, its name, or a GGUF file's path; None: the better one that this
        machine can hold. `folder` is where weights are kept.

        Raises:
            ConfigurationError: there is no such model, or the runtime is not installed.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise ConfigurationError(
                'The local model needs its runtime, which is not installed: pip install "antiphon[local]".'
            )
        named = model_chosen(model) if isinstance(model, str) else model
        self._ready = Readying(named, folder or models_folder(os.environ), progress, fetch_s=fetch_s)
        self._starting = asyncio.Lock()
        self._process: ServerProcess | None = None
        self._door: Upstream | None = None

    @property
    def title(self) -> str:
        """The name to show beside an answer."""
        model = self._ready.choice.model
        return model.title if isinstance(model, Weights) else model.name

    def describe(self) -> str:
        """The sentences that tell people who answers, why, and how to talk to another model or to Claude.

        After `start`, the model may be another than before.
        """
        model = self._ready.choice.model
        who = model.introduction if isinstance(model, Weights) else f"A local model, {model.name}, answers."
        said = [who, self._ready.choice.reason, CHOOSE if self._ready.unasked else "", CLAUDE]
        return " ".join(sentence for sentence in said if sentence)

    async def start(self) -> None:
        """Fetch the weights if needed and start the process. Idempotent.

        Raises:
            ConfigurationError: fetching or starting failed; the sentence says what to do.
        """
        await self._opened()

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """As `Upstream.stream`."""
        await pace.may_go()
        door = await self._answering()
        try:
            async with aclosing(door.stream(plan, pace)) as batches:
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
        await self._ready.close()
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
                self._process = await ServerProcess.start(await self._ready.orders())
                self._door = self._door_to(self._process)
            return self._door

    def _door_to(self, process: ServerProcess) -> Upstream:
        claude = ClaudeUpstream(base_url=process.base_url, api_key=process.key, stall_s=DEADLINE_S)
        model = self._ready.choice.model
        tools = isinstance(model, Weights) and model.uses_tools
        return Translating(Reconnecting(claude), self.title, tools=tools)

    async def _shut(self) -> None:
        door, self._door = self._door, None
        process, self._process = self._process, None
        if door:
            await door.close()
        if process:
            await process.stop()
