"""llama.cpp's own server, reached as if it were Claude: what the Messages API promises and it does not keep
degrades to a sentence.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon.model.local.process import ServerProcess
from antiphon.model.local.server import Orders
from tests.preloaded.starting import Popen

WITHIN_S = 60.0

SETTINGS = """
max_tokens = 12

[model]
default = "smol"

[model."smol"]
free = true
"""


@pytest.fixture
async def server(smollm2: Path) -> AsyncIterator[ServerProcess]:
    server = await ServerProcess.start(Orders(path=str(smollm2), temperature=0.0))
    yield server
    await server.stop()


@pytest.fixture
def home(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of somebody who started that server, and knows its key."""
    (tmp_path / "antiphon.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return {
        **os.environ,
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "ANTHROPIC_BASE_URL": server.base_url,
        "ANTHROPIC_API_KEY": server.key,
    }


def ask(home: dict[str, str], *words: str, text: str = "Hello") -> tuple[int, str, str]:
    with Popen(
        [sys.executable, "-m", "antiphon", "ask", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=home,
        text=True,
    ) as child:
        out, err = child.communicate(text, WITHIN_S)
    assert "Traceback" not in err
    return child.returncode, out, err


async def test_a_conversation_goes_on_over_several_questions(home: dict[str, str]) -> None:
    for text in ("What is the capital of France?", "And of Italy?"):
        code, out, _ = ask(home, "--session", "talk", text=text)
        assert code in {0, 5}  # whole, or cut at so few tokens
        assert out.strip()


async def test_what_is_too_long_for_it_is_said_in_its_own_words(home: dict[str, str]) -> None:
    code, out, err = ask(home, text="word " * 6000)
    assert (code, out) == (1, "")
    assert "context" in err
    assert err.count("\n") == 1


async def test_a_key_that_it_does_not_know_is_said_to_be_wrong(home: dict[str, str]) -> None:
    code, out, err = ask({**home, "ANTHROPIC_API_KEY": "another"})
    assert (code, out) == (3, "")
    assert "credentials" in err
