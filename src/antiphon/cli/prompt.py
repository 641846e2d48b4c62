"""Where messages come from: a person at a keyboard, or the lines of a pipe."""

import asyncio
import codecs
import os
import threading
from pathlib import Path
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import is_dumb_terminal

from antiphon.cli.exits import say

SIGN = "> "
LEAVE_HINT = "Ctrl-C again or Ctrl-D leaves."


class Prompt(Protocol):
    interactive: bool

    async def read(self) -> str | None:
        """The next message; None when there will be no more."""
        ...


class KeyboardPrompt:
    """Enter sends; Alt-Enter, and pasted text, make further lines."""

    interactive = True

    def __init__(self, history: Path) -> None:
        self._session: PromptSession[str] = PromptSession(
            [("bold", SIGN)],
            history=_kept_in(history),
            multiline=True,
            prompt_continuation=" " * len(SIGN),
            key_bindings=_keys(),
            output=terminal_output(),
        )

    async def read(self) -> str | None:
        """As `Prompt.read`. Ctrl-C clears the line; on an empty line, after another one, it leaves."""
        leaving = False
        while True:
            try:
                return await self._session.prompt_async()
            except EOFError:
                return None
            except KeyboardInterrupt:
                if leaving and not self._session.default_buffer.text:
                    return None
                leaving = True
                say(LEAVE_HINT)


class PipedLines:
    """Each line of stdin is a message. Read in a thread that nothing waits for when the program ends."""

    interactive = False

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._pump, name="stdin", daemon=True).start()

    async def read(self) -> str | None:
        return await self._lines.get()

    def _pump(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        rest = ""
        # Not sys.stdin: its lock would be held by this thread when the program ends.
        while data := os.read(0, 65536):
            *lines, rest = (rest + decoder.decode(data)).split("\n")
            for line in lines:
                self._put(line)
        self._put(rest + decoder.decode(b"", final=True))
        self._put(None)

    def _put(self, line: str | None) -> None:
        self._loop.call_soon_threadsafe(self._lines.put_nowait, line)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus("DEFAULT_BUFFER"))
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=has_focus("DEFAULT_BUFFER"))
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _kept_in(path: Path) -> History:
    """What was typed, for the arrow keys, readable by nobody else; forgotten if it cannot be kept."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def terminal_output() -> Output | None:
    """The terminal, also if stdout goes elsewhere. It is not asked where its cursor is: some never answer."""
    if is_dumb_terminal():
        return None
    output = create_output(always_prefer_tty=True)
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
    return output
