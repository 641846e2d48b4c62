"""The child process: it answers with its key alone, and it outlives nobody."""

import asyncio
import gc
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from antiphon.errors import ConfigurationError
from antiphon.model.local.process import ServerProcess
from antiphon.model.local.server import Orders

WAIT_S = 20.0

PARENT = """
import asyncio, sys
from antiphon.model.local.process import ServerProcess
from antiphon.model.local.server import Orders

async def main():
    process = await ServerProcess.start(Orders(path=sys.argv[1]))
    print(process.pid, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def ended(process: psutil.Process) -> bool:
    gone, _ = psutil.wait_procs([process], timeout=WAIT_S)
    return bool(gone)


async def test_it_answers_on_loopback_with_its_key_alone_and_stops(smollm2: Path) -> None:
    process = await ServerProcess.start(Orders(path=str(smollm2)))
    try:
        assert process.base_url.startswith("http://127.0.0.1:")
        question = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}
        async with httpx2.AsyncClient(base_url=process.base_url) as client:
            refused = await client.post("/v1/messages/count_tokens", json=question)
            key = {"authorization": f"Bearer {process.key}"}
            counted = await client.post("/v1/messages/count_tokens", json=question, headers=key)
        assert refused.status_code == 401
        assert counted.json()["input_tokens"] > 1
    finally:
        await process.stop()
    assert not process.alive
    await process.stop()


async def test_the_key_is_on_no_command_line_and_in_no_environment(smollm2: Path) -> None:
    process = await ServerProcess.start(Orders(path=str(smollm2)))
    try:
        child = psutil.Process(process.pid)
        assert process.key not in " ".join(child.cmdline())
        assert process.key not in child.environ().values()
    finally:
        await process.stop()


def test_it_ends_when_its_parent_is_killed(smollm2: Path) -> None:
    arguments = [sys.executable, "-c", PARENT, str(smollm2)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert parent.returncode == -signal.SIGKILL
    assert ended(child)


def test_it_ends_when_its_owner_is_dropped_with_its_loop(smollm2: Path) -> None:
    process = asyncio.run(ServerProcess.start(Orders(path=str(smollm2))))
    child = psutil.Process(process.pid)
    del process
    gc.collect()
    assert ended(child)


async def test_ctrl_c_in_the_terminal_does_not_end_it(smollm2: Path) -> None:
    process = await ServerProcess.start(Orders(path=str(smollm2)))
    try:
        psutil.Process(process.pid).send_signal(signal.SIGINT)
        async with httpx2.AsyncClient(base_url=process.base_url) as client:
            assert (await client.get("/health")).status_code == 200
        assert process.alive
    finally:
        await process.stop()


async def test_a_file_that_is_no_model_is_said_with_the_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ConfigurationError, match=r"ended while it was starting: .+\. Nothing"):
        await ServerProcess.start(Orders(path=str(broken)))


async def test_a_start_that_takes_too_long_is_given_up_and_leaves_no_process(smollm2: Path) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(ConfigurationError, match="not ready within"):
        await ServerProcess.start(Orders(path=str(smollm2)), within_s=0.01)
    assert set(psutil.Process().children()) == before


async def test_a_cancelled_start_leaves_no_process(smollm2: Path) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ServerProcess.start(Orders(path=str(smollm2)))
    assert set(psutil.Process().children()) == before
