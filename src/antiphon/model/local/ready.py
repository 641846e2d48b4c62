"""From a choice to a file that can be loaded, in a time that a person waits."""

from pathlib import Path

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import ANYWHERE, BETTER, Weights
from antiphon.model.local.choosing import Choice, choose
from antiphon.model.local.fetching import Fetching
from antiphon.model.local.parts import Progress
from antiphon.model.local.server import Orders

FETCH_S = 75.0
"""Seconds to wait for weights that nobody has named; then a smaller model answers meanwhile."""


class Readying:
    """Knows which model answers. `choice` may become another one while weights are fetched."""

    def __init__(
        self,
        model: Weights | Path | None,
        folder: Path,
        progress: Progress,
        *,
        fetch_s: float = FETCH_S,
        better: Weights = BETTER,
        anywhere: Weights = ANYWHERE,
    ) -> None:
        """`model` None: `better` where this machine can hold it, else `anywhere`."""
        self.unasked = model is None
        self.choice = Choice(model) if model else choose(folder, better=better, anywhere=anywhere)
        self._anywhere = anywhere
        self._folder = folder
        self._progress = progress
        self._fetch_s = fetch_s
        self._meanwhile: Fetching | None = None

    async def orders(self) -> Orders:
        """What the model's server is to load; weights are fetched first where they are not here.

        Raises:
            ConfigurationError: they cannot be had.
        """
        model = self.choice.model
        if isinstance(model, Path):
            return Orders(path=str(model))
        if self.unasked and model != self._anywhere:
            return await self._or_smaller(model)
        return orders_for(model, await self._fetched(model))

    async def close(self) -> None:
        """Nothing is fetched any more."""
        if self._meanwhile:
            await self._meanwhile.give_up()

    async def _or_smaller(self, better: Weights) -> Orders:
        """The better model if it comes in time, else the other one while the better is fetched."""
        try:
            return orders_for(better, await self._fetched(better, self._fetch_s))
        except TimeoutError:
            reason = (
                f"{better.title} is still being fetched ({better.download_size / 1e9:.1f} GB) and answers "
                f"from a later start on; `antiphon local get {better.name}` waits for it."
            )
            later = True
        except ConfigurationError as error:
            reason, later = f"{better.title} cannot be had now. {error.detail}", False
        self.choice = Choice(self._anywhere, reason)
        orders = orders_for(
            self._anywhere, await self._fetched(self._anywhere)
        )  # alone: it has the whole line
        if later:
            self._meanwhile = Fetching(better, self._folder, lambda _done, _total: None)
        return orders

    async def _fetched(self, weights: Weights, within_s: float | None = None) -> Path:
        fetching = Fetching(weights, self._folder, self._progress)
        try:
            return await fetching.path(within_s)
        finally:
            await fetching.give_up()


def orders_for(weights: Weights, path: Path) -> Orders:
    template = Path(__file__).with_name(weights.template).read_text() if weights.template else None
    return Orders(
        path=str(path),
        temperature=weights.temperature,
        repeat_penalty=weights.repeat_penalty,
        template=template,
    )
