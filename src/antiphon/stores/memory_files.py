"""The files of the store in memory: who refers to them, and until when they are held."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from antiphon.clock import Clock
from antiphon.domain.files import FILE_HELD_S, File, FileFacts
from antiphon.stores.projection import no_file


@dataclass(slots=True)
class _Kept:
    file: File
    held_until: float
    used_by: set[str] = field(default_factory=set)


class MemoryFiles:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[tuple[str, str], _Kept] = {}

    async def put_file(self, principal: str, file: File, held_s: float = FILE_HELD_S) -> None:
        until = self._clock.now() + held_s
        if (known := self._files.get((principal, file.facts.id))) is not None:
            known.file, known.held_until = file, max(known.held_until, until)
        else:
            self._files[principal, file.facts.id] = _Kept(file, until)

    async def file(self, principal: str, file_id: str) -> File:
        if (kept := self._files.get((principal, file_id))) is None:
            raise no_file()
        return kept.file

    async def file_facts(self, principal: str, file_ids: Sequence[str]) -> dict[str, FileFacts]:
        found = {file_id: self._files.get((principal, file_id)) for file_id in file_ids}
        return {file_id: kept.file.facts for file_id, kept in found.items() if kept is not None}

    async def drop_files(self, limit: int = 100) -> bool:
        now = self._clock.now()
        due = [p for p, kept in self._files.items() if not kept.used_by and kept.held_until <= now]
        for place in due[:limit]:
            del self._files[place]
        return len(due) > limit

    # Inside a transaction

    def _check_files(self, principal: str, file_ids: Sequence[str]) -> None:
        """Raises NotFound."""
        if any((principal, file_id) not in self._files for file_id in file_ids):
            raise no_file()

    def _use_files(self, principal: str, conversation_id: str, file_ids: Sequence[str]) -> None:
        for file_id in file_ids:
            kept = self._files[principal, file_id]
            kept.used_by.add(conversation_id)
            kept.held_until = 0.0

    def _release_files(self, principal: str, conversation_id: str) -> None:
        """A conversation is gone, and with it what it alone referred to."""
        now = self._clock.now()
        for place, kept in list(self._files.items()):
            if place[0] == principal and conversation_id in kept.used_by:
                kept.used_by.discard(conversation_id)
                if not kept.used_by and kept.held_until <= now:
                    del self._files[place]
