"""What can be done with files: keep them, read them, and attach them to a message."""

from collections.abc import Sequence
from dataclasses import replace

from antiphon.domain.files import File, FileFacts
from antiphon.domain.messages import clean_text
from antiphon.money.table import ModelTable
from antiphon.service.asking import Ask
from antiphon.service.attaching import Attaching
from antiphon.stores.base import Store


class FileVerbs:
    def __init__(self, store: Store, models: ModelTable) -> None:
        self._store = store
        self._models = models
        self._attaching = Attaching(store)

    async def upload(self, principal: str, data: bytes, name: str = "") -> FileFacts:
        """Keep a file for a day, and then as long as a conversation refers to it.

        Raises:
            InvalidRequest, TooLarge: Claude cannot read it. StoreUnavailable.
        """
        return await self._attaching.upload(principal, data, clean_text(name))

    async def upload_all(self, principal: str, given: Sequence[tuple[bytes, str]]) -> list[FileFacts]:
        """The same for several, each with its name: if one is refused, none is kept."""
        return await self._attaching.upload_all(principal, given)

    async def file(self, principal: str, file_id: str) -> File:
        """Raises NotFound."""
        return await self._store.file(principal, file_id)

    async def _attached(self, principal: str, ask: Ask, model: str) -> Ask:
        if ask.content is None or isinstance(ask.content, str):
            return ask
        facts = self._models.find(ask.settings.get("model") or model)
        window = facts.context if facts is not None else None
        return replace(ask, content=await self._attaching.attached(principal, ask.content, window))
