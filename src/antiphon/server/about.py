"""Who answers here, in words for people."""

from dataclasses import dataclass

from antiphon.model.local.upstream import LocalUpstream
from antiphon.settings import LOCAL, Settings


@dataclass(frozen=True, slots=True)
class About:
    """`notice` is what a person should know before asking; empty where Claude answers."""

    model: str
    notice: str = ""


def local_model(settings: Settings) -> LocalUpstream | None:
    """The local model where it is asked for. Raises ConfigurationError: it cannot be had."""
    return LocalUpstream(settings.local_model) if settings.model == LOCAL else None


def about(settings: Settings, local: LocalUpstream | None) -> About:
    """As it is now: while its weights are fetched, a smaller local model may answer."""
    return About(local.title, local.describe()) if local else About(settings.model)
