"""The child process: llama.cpp's own HTTP server on loopback, until its parent ends.

Run by path, not as a module: it needs nothing of this package, so it starts half a second earlier and does
not carry the SDK in its memory. Its orders come as one JSON line on stdin (see `Orders`), so the key is on no
command line and in no environment; stdin then stays open, and its end is the parent's end.
"""

import importlib
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

READY = "READY "
"""The one line this process says on stdout: `READY http://127.0.0.1:PORT`."""

PARENT_CHECK_S = 0.5
ORPHANED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to serve. Tokens for `context`, MiB for `prompt_cache_mib`, seconds for `ping_s`."""

    path: str
    """A GGUF file."""
    key: str = ""
    context: int = 4096
    """Per slot; the server divides its whole context by the slots."""
    slots: int = 2
    threads: int = 1
    """For generation: with one thread, a busy neighbour on another core costs nothing."""
    prompt_cache_mib: int = 512
    """The server's own default is 8 GiB of the machine's memory."""
    ping_s: int = 5
    temperature: float | None = None
    """None: the server's default."""
    repeat_penalty: float = 1.15
    template: str | None = None
    """A Jinja chat template; None: the file's own."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def parameters(runtime: Any, orders: Orders) -> Any:
    """The orders in the runtime's own words (`xllamacpp.CommonParams`)."""
    wanted = runtime.CommonParams()
    wanted.model.path = orders.path
    wanted.api_keys = [orders.key]
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.cors_origins = "null"  # the default reflects any page's origin, with credentials
    wanted.ui = False
    wanted.offline = True
    wanted.endpoint_slots = False
    wanted.verbosity = 1  # errors only: prompts are nobody else's to read
    wanted.n_parallel = orders.slots
    wanted.n_ctx = orders.context * orders.slots
    wanted.cpuparams.n_threads = orders.threads
    wanted.cpuparams_batch.n_threads = os.cpu_count() or 1
    wanted.cache_ram_mib = orders.prompt_cache_mib
    wanted.sse_ping_interval = orders.ping_s
    wanted.sampling.penalty_repeat = orders.repeat_penalty
    if orders.temperature is not None:
        wanted.sampling.temp = orders.temperature
    if orders.template is not None:
        wanted.chat_template = orders.template
    return wanted


def watch_parent(over: threading.Event) -> None:
    """Set `over` when stdin ends. A pipe that was inherited further could stay open: hence `wait` too."""

    def read() -> None:
        while os.read(0, 4096):
            pass
        over.set()

    threading.Thread(target=read, name="parent", daemon=True).start()


def wait(over: threading.Event) -> None:
    """Return when `over` is set or the parent is another process than at first (it died)."""
    parent = os.getppid()
    while not over.wait(PARENT_CHECK_S) and os.getppid() == parent:
        pass


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal stops an answer, not the model
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(ORPHANED)
    orders = Orders(**json.loads(line))
    # Before libgomp loads: its spinning threads are 4 to 10 times slower where anything else runs.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    runtime: Any = importlib.import_module("xllamacpp")
    over = threading.Event()
    serving = runtime.Server(parameters(runtime, orders))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, stop)
    watch_parent(over)
    sys.stdout.write(f"{READY}{serving.listening_address}\n")
    sys.stdout.flush()
    wait(over)
    del serving


if __name__ == "__main__":
    main()
