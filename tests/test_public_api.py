"""The public API is one list; importing it does nothing but import."""

import ast
import inspect
import json
import subprocess
import sys

import pytest

import antiphon
from antiphon import errors

CAUGHT_BY_THEIR_BASE = {
    "FenceLost": "between replicas; nobody outside the engine meets it",
    "UpstreamResting": "caught as UpstreamBusy: what there is to do about it is the same",
    "NewerData": "caught as StoreError: there is one thing to do about it, and the sentence says it",
}
"""The errors that are not exported, with the reason."""

WATCH = """
import json, sys

MODULES = (".py", ".pyc", ".so", ".pyd")
PYTHON = (sys.prefix, sys.base_prefix)  # what is installed may read its own version
seen = []

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        writes = isinstance(mode, str) and any(sign in mode for sign in "wax+") or flags & 3
        if writes or not str(path).endswith(MODULES) and not str(path).startswith(PYTHON):
            seen.append(f"{event} {path}")
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "os.fork", "os.mkdir", "os.remove")):
        seen.append(event)

sys.addaudithook(watch)
"""

TELL = "\nimport threading\nprint(json.dumps([seen, threading.active_count()]))"


def seen_while(statement: str) -> tuple[list[str], int]:
    """What a new process opened and started with `statement`, and how many threads it has after it."""
    run = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCH + statement + TELL], capture_output=True, check=True
    )
    seen, threads = json.loads(run.stdout)
    return seen, threads


def imported() -> set[str]:
    """What the package's own file imports from its parts, at once or when it is asked for."""
    lines = ast.walk(ast.parse(inspect.getsource(antiphon)))
    froms = [line for line in lines if isinstance(line, ast.ImportFrom) and str(line.module) != "typing"]
    return {alias.asname or alias.name for line in froms for alias in line.names if line.module != "antiphon"}


def test_the_list_is_sorted_and_complete() -> None:
    assert list(antiphon.__all__) == sorted(set(antiphon.__all__))
    assert set(antiphon.__all__) == imported()


def test_every_name_can_be_imported_and_no_other() -> None:
    everything: dict[str, object] = {}
    exec("from antiphon import *", everything)
    for name in antiphon.__all__:
        assert everything[name] is getattr(antiphon, name)
    with pytest.raises(AttributeError, match="no attribute 'Chatt'"):
        _ = antiphon.Chatt


def test_every_error_that_a_user_can_meet_is_exported() -> None:
    kinds = {
        name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)
    }
    assert {name for name in kinds if name not in antiphon.__all__} == set(CAUGHT_BY_THEIR_BASE)


def test_importing_opens_no_file_no_socket_and_no_thread() -> None:
    assert seen_while("import antiphon") == ([], 1)
    assert seen_while("from antiphon import *") == ([], 1)


def test_the_watch_sees_files_sockets_and_threads() -> None:
    opened, _ = seen_while("open(__import__('os').devnull)")
    assert opened == ["open /dev/null"]
    connected, _ = seen_while("import socket; socket.socket().close()")
    assert "socket.__new__" in connected
    waiting = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    assert seen_while(waiting) == ([], 2)
