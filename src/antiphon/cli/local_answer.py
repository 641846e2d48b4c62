"""The local model, ready to answer: who it is is said before anybody waits for it."""

from antiphon.cli.exits import say
from antiphon.cli.fetching import FetchBar
from antiphon.model.local.upstream import LocalUpstream
from antiphon.settings import Settings


async def ready_local(settings: Settings) -> LocalUpstream:
    """Fetched and started, so that no question waits for it.

    Raises:
        ConfigurationError: it cannot be had, or there is no such model.
    """
    with FetchBar() as bar:
        local = LocalUpstream(settings.local_model, progress=bar.show)
        said = local.describe()
        say(said)
        try:
            await local.start()
        except BaseException:
            await local.close()
            raise
    if (now := local.describe()) != said:
        say(now)
    return local
