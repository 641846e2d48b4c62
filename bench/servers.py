"""What is measured, and what it is measured beside, each started as a process of its own."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.processes import Measured, free_port, server

NGINX_CONF = """
daemon off; master_process off; worker_processes 1;
pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream claude {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://claude; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""

NO_NGINX = "nginx was not found, so there is no figure for it (Debian: apt-get install nginx-light)."


@contextmanager
def canned_upstream() -> Iterator[Measured]:
    port = free_port()
    with server([sys.executable, "-m", "bench.upstream", str(port)], port) as running:
        yield running


@contextmanager
def simulator(deltas: int, delta_chars: int, pace_s: float) -> Iterator[Measured]:
    """Slower than canned bytes, but it can be told what to answer."""
    port = free_port()
    command = [sys.executable, "-m", "antiphon", "simulate", "--port", str(port)]
    command += ["--deltas", str(deltas), "--delta-chars", str(delta_chars), "--pace", str(pace_s)]
    with server(command, port) as running:
        yield running


@contextmanager
def antiphon(
    upstream: Measured, store: str, *, one_core: bool = False, **settings: str
) -> Iterator[Measured]:
    port = free_port()
    command = [sys.executable, "-m", "antiphon", "serve", "--port", str(port), "--store", store]
    with server(command, port, {**_env(upstream), **settings}, one_core=one_core) as running:
        yield running


@contextmanager
def two_replicas(store: str) -> Iterator[tuple[Measured, Measured]]:
    """Two processes on one store, with an upstream of their own."""
    with (
        canned_upstream() as upstream,
        antiphon(upstream, store) as first,
        antiphon(upstream, store) as second,
    ):
        yield first, second


@contextmanager
def bare_app(upstream: Measured) -> Iterator[Measured]:
    """FastAPI and the SDK's `messages.stream`, as a tutorial has it."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare_app:app", "--port", str(port)]
    command += ["--log-level", "error", "--no-access-log"]
    with server(command, port, _env(upstream)) as running:
        yield running


@contextmanager
def floor(upstream: Measured) -> Iterator[Measured]:
    port = free_port()
    with server([sys.executable, "-m", "bench.floor", str(port), str(upstream.port)], port) as running:
        yield running


@contextmanager
def nginx(upstream: Measured) -> Iterator[Measured | None]:
    """nginx passing the bytes on; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-nginx-")))
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=port, upstream=upstream.port))
        command = [program, "-e", str(folder / "error.log"), "-c", str(conf)]
        yield stack.enter_context(server(command, port))


def _env(upstream: Measured) -> dict[str, str]:
    # No titles: the apps beside it make none.
    return {"ANTHROPIC_BASE_URL": upstream.url, "ANTHROPIC_API_KEY": "bench", "ANTIPHON_TITLES": "off"}
