"""From a command's flags to a service that runs: which settings, which store, and who answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.bootstrap import make_upstream, open_service
from antiphon.cli.local_answer import ready_local
from antiphon.errors import ConfigurationError, UnknownModel
from antiphon.model.credentials import has_credentials
from antiphon.model.upstream import Upstream
from antiphon.money.facts import Effort
from antiphon.service import Service
from antiphon.service.options import ThinkingChoice
from antiphon.settings import LOCAL, Settings, read_settings, with_lasting_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was given on the command line; None where nothing was."""

    model: str | None = None
    system: str | None = None
    session: str | None = None
    store: str | None = None
    max_tokens: int | None = None
    effort: Effort | None = None
    thinking: ThinkingChoice | None = None
    stop: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a command runs with. `stand_in`: the local model answers because there are no credentials."""

    settings: Settings
    stand_in: bool


def choose(flags: Flags) -> Choice:
    """The settings in force; the local model answers if none is named and there are no credentials.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    settings = with_lasting_store(
        read_settings(model=flags.model, store=flags.store, max_tokens=flags.max_tokens)
    )
    stand_in = "model" not in settings.model_fields_set and not has_credentials()
    changes = {"model": LOCAL} if stand_in else {}
    return Choice(settings.model_copy(update=changes), stand_in)


async def open_for(flags: Flags, choice: Choice, *, takes_over: bool) -> Service:
    """A service that can answer. Says on stderr if the answers come from this machine.

    Raises:
        MissingCredentials, ConfigurationError, StoreUnavailable, NewerData.
        UnknownModel: it was named by a flag.
    """
    upstream = await _answering(choice)
    try:
        return await open_service(choice.settings, upstream=upstream, takes_over=takes_over)
    except UnknownModel as error:
        await upstream.close()
        if flags.model is None:
            raise ConfigurationError(error.detail) from error
        raise
    except BaseException:
        await upstream.close()
        raise


async def _answering(choice: Choice) -> Upstream:
    settings = choice.settings
    if settings.model != LOCAL:
        return make_upstream(settings)
    try:
        return await ready_local(settings)
    except ConfigurationError as error:
        if not choice.stand_in:
            raise
        raise ConfigurationError(
            f"There are no credentials for Claude, and the local model cannot answer either. {error.detail}"
        ) from error
