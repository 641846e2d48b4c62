"""A fork of the preloaded program is given what a new Python is given."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.preloaded.starting import Popen, Spawn

FACTS = [sys.executable, "-W", "error", str(Path(__file__).with_name("facts.py")), "one", "two words"]
WITHIN_S = 60


def facts(popen: type[subprocess.Popen[str]], folder: Path, **options: Any) -> list[Any]:
    variables = {**os.environ, "GREETING": "Grüße"}
    with popen(
        FACTS,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    ) as process:
        out, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 7
    told: list[Any] = json.loads(out)
    return told


@pytest.mark.parametrize("new_session", [False, True])
def test_a_fork_knows_no_more_than_a_new_python(new_session: bool, tmp_path: Path) -> None:
    fork, its_number = facts(Popen, tmp_path, start_new_session=new_session)
    other, other_number = facts(Popen, tmp_path, start_new_session=new_session)
    new, _ = facts(subprocess.Popen, tmp_path, start_new_session=new_session)
    assert fork == other == new
    assert fork["parent"] == os.getpid()
    assert its_number != other_number


def test_in_a_terminal_too(tmp_path: Path) -> None:
    told = []
    for spawn in (Spawn, pexpect.spawn):
        child = spawn(FACTS[0], FACTS[1:], env=dict(os.environ), timeout=WITHIN_S, dimensions=(24, 400))
        told.append(json.loads(child.read())[0])
        child.close()
        assert child.exitstatus == 7
    assert told[0] == told[1]


def test_its_signals_are_its_own(tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text("import signal; print('waits', flush=True); signal.pause()")
    for number in (signal.SIGKILL, signal.SIGTERM):
        with Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            process.send_signal(number)
            assert process.wait(WITHIN_S) == -number
