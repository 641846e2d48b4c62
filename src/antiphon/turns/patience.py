"""How much is tried before an answer fails: attempts, and the models that may answer instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import SystemRandom

from antiphon.money.table import ModelTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`attempts`: how many requests may be made for one step, whichever models are asked. `fallback`: the
    models that answer when the conversation's own does not, in that order.
    """

    attempts: int = 3
    fallback: tuple[str, ...] = ()
    chance: Callable[[], float] = SystemRandom().random
    """A number from 0 to 1, for waits that do not fall together."""

    def after(self, own: str, asked: str) -> tuple[str, ...]:
        """Those of the chain that come after the model that was asked last; `own` is the conversation's."""
        chain = (own, *(model for model in self.fallback if model != own))
        return chain[chain.index(asked) + 1 :] if asked in chain else ()


def fitting(models: Sequence[str], table: ModelTable, input_tokens: int) -> tuple[str, ...]:
    """Those whose window holds this much, as estimated, and an answer."""
    return tuple(name for name in models if input_tokens < table.get(name).context)
