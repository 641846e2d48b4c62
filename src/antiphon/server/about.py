"""Who answers here, in words for people."""

from dataclasses import dataclass

from antiphon.model.local.catalogue import DEFAULT
from antiphon.model.local.upstream import LocalUpstream
from antiphon.settings import LOCAL, Settings


@dataclass(frozen=True, slots=True)
class About:
    """`notice` is what a person should know before asking; empty where Claude answers."""

    model: str
    notice: str = ""


def about(settings: Settings) -> About:
    """Raises ConfigurationError: the local model is asked for and cannot be had."""
    if settings.model != LOCAL:
        return About(settings.model)
    local = LocalUpstream(settings.local_model or DEFAULT.name)
    return About(local.title, local.describe())
