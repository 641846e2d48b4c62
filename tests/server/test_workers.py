"""`antiphon serve --workers`: several processes behind one port, of which any may die."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest

from antiphon.cli.workers import pause_s
from antiphon.simulator import Reply, Simulator, Stall
from tests.server.histories import asked, last_history
from tests.server.started import PATIENCE_S, Started, refused, started

pytestmark = pytest.mark.usefixtures("home")


def eventually(seen: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < give_up
        threading.Event().wait(0.02)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def workers(server: Started) -> list[psutil.Process]:
    return [each for each in psutil.Process(server.process.pid).children() if alive(each)]


def serving_now(server: Started) -> psutil.Process:
    """The worker that somebody is connected to."""
    port = urlsplit(server.client.url).port
    [busy] = [
        worker
        for worker in workers(server)
        for connection in worker.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    ]
    return busy


def test_one_that_is_killed_loses_nothing_and_is_replaced(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIPHON_LEASE_S", "1")
    simulator.script(Reply(text="One two.", fault=Stall(after=1)))
    with started("--workers", "2") as server, ThreadPoolExecutor(1) as pool:
        assert server.greeting.endswith("(model claude-sonnet-5-5, 2 workers)\n")
        before = workers(server)
        assert len(before) == 2
        waiting = pool.submit(server.client.chat, "Count.", key="k")
        simulator.wait_until(lambda seen: len(asked(simulator)) == 1)
        killed = serving_now(server)
        killed.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionError):
            waiting.result()
        answer = server.client.chat("Count.", key="k")
        assert answer.json["response"] == 'You said: "Count.". That was message 1.'
        eventually(lambda: len(workers(server)) == 2 and killed not in workers(server))
        assert [server.client.chat("Go on.").status for _ in range(4)] == [200] * 4
        assert last_history(simulator)[0] == ("user", "Count.")
        left = workers(server)
        assert server.stop() == 0
        assert "Traceback" not in server.said
    assert not any(alive(worker) for worker in left)
    assert len(asked(simulator)) == 6


def test_ctrl_c_lets_their_answers_end_and_a_second_one_does_not(simulator: Simulator) -> None:
    """It reaches all of them, as in a terminal; only the first process heeds it."""
    simulator.script(Reply(text="first second", pace=600.0))
    with started("--workers", "2") as server, server.client.streaming("Take your time.") as frames:
        next(frames)
        os.killpg(server.process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        assert alive(serving_now(server))
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(PATIENCE_S) == 130
        assert "Traceback" not in server.said


def test_they_end_with_the_first_process_however_that_one_ends(simulator: Simulator) -> None:
    with started("--workers", "2") as server:
        orphans = workers(server)
        server.stop(signal.SIGKILL)
        eventually(lambda: not any(alive(worker) for worker in orphans))


def test_whoever_dies_again_and_again_is_started_ever_more_slowly() -> None:
    assert [pause_s(lives) for lives in (0, 1, 2, 3, 4)] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert pause_s(10_000) == 30.0


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize("flags", [("--store", "memory://"), ("--model", "local")])
def test_what_they_could_not_share_is_refused(simulator: Simulator, flags: tuple[str, str]) -> None:
    assert "--workers" in refused("--workers", "2", *flags)


@pytest.mark.usefixtures("quiet_log")
def test_what_none_of_them_could_open_is_told_once(simulator: Simulator) -> None:
    assert refused("--workers", "2", "--store", "sqlite:////dev/null/antiphon.db").count("store") == 1
