"""Who answers where no local model was named: the better one where the machine can hold it."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from antiphon.model.local.catalogue import ANYWHERE, BETTER, Weights
from antiphon.model.local.weights import begun, located

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux tells a container how much of the machine's memory it has: version 2, version 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a machine has, in bytes. `memory` is None where it does not tell."""

    memory: int | None
    disk: int
    """Free, where models are kept."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the catalogue, or a GGUF file. `reason`: why it is not the better one; empty where it is."""

    model: Weights | Path
    reason: str = ""


def choose(folder: Path, *, better: Weights = BETTER, anywhere: Weights = ANYWHERE) -> Choice:
    """Look at this machine and at what `folder`, where models are kept, holds."""
    here = {weights.name for weights in (better, anywhere) if located(weights, folder)}
    room = Room(memory=memory_here(), disk=_free_disk(folder))
    if better.name not in here and begun(better, folder) and anywhere.name in here:
        return Choice(anywhere, unfinished(better))
    return chosen(room, here, better=better, anywhere=anywhere)


def chosen(room: Room, here: set[str], *, better: Weights = BETTER, anywhere: Weights = ANYWHERE) -> Choice:
    """The choice by what the machine has, and by the names of the models that are here already."""
    if room.memory is None:
        return Choice(anywhere, f"{better.title} is not chosen unasked on a machine that hides its memory.")
    if room.memory < better.needs_memory:
        return Choice(
            anywhere,
            f"{better.title} wants {_gibibytes(better.needs_memory)} of memory, and this machine has "
            f"{_gibibytes(room.memory)}.",
        )
    if better.name not in here and room.disk < better.needs_disk:
        return Choice(
            anywhere,
            f"{better.title} wants {better.needs_disk / 1e9:.1f} GB of free disk, and there are "
            f"{room.disk / 1e9:.1f} GB.",
        )
    return Choice(better)


def unfinished(better: Weights) -> str:
    return (
        f"{better.title} is not fetched in full yet: `antiphon local get {better.name}` goes on where it was."
    )


def memory_here(limits: tuple[str, ...] = CGROUP_LIMITS) -> int | None:
    """Bytes of memory that this machine, or the container this runs in, has. None where it does not tell."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return None
    for path in limits:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
            total = min(total, int(Path(path).read_text()))
    return total


def _free_disk(folder: Path) -> int:
    """Free bytes where the folder lies or would lie; 0 where that cannot be told."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return 0


def _gibibytes(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
