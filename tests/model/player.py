"""A server that plays canned bytes, so that a test decides what is on the wire and where it is cut."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Step: TypeAlias = bytes | Literal["hang", "pause", "reset", "read late"]
"""Bytes to send, or: send nothing until the client leaves, or for 0.25 s; break the connection; leave the
request unread until it is `late`.
"""


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Player:
    """Plays its scripts in turn, one per request, the last one again and again."""

    scripts: list[tuple[Step, ...]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A request arrived."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client closed its connection while the server hung."""
    late: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def plays(self, *steps: Step) -> None:
        self.scripts.append(steps)

    async def client_is_gone(self) -> None:
        """Return as soon as it is; fail after a second."""
        async with asyncio.timeout(1):
            await self.left.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play one script; True if the connection can carry another request."""
        if self.scripts[0] == ("read late",):
            await self.late.wait()
            while await reader.read(1 << 20):
                pass
            self.left.set()
            return False
        self.requests.append(await _read(reader))
        self.asked.set()
        steps = self.scripts[0] if len(self.scripts) == 1 else self.scripts.pop(0)
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == "hang":
                await reader.read()
                self.left.set()
            elif step == "pause":
                await asyncio.sleep(0.25)  # silence is what is tested
            else:
                _reset(writer)
        return steps[-1] == b"0\r\n\r\n"


async def _read(reader: asyncio.StreamReader) -> Request:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in fields)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(line, headers, json.loads(body) if body else {})


def _reset(writer: asyncio.StreamWriter) -> None:
    no_lingering = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
    writer.transport.abort()
