"""`antiphon simulate`: the simulator as a process of its own."""

import asyncio
import contextlib
import signal
import sys
from typing import Annotated

import typer

from antiphon.simulator import Reply, Simulator

if sys.platform == "win32":
    new_event_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop

CONFIGURATION = 3
"""The exit code for what the user must set differently."""


def simulate(
    port: Annotated[
        int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 8801,
    deltas: Annotated[
        int | None, typer.Option(help="Deltas per reply, instead of one per word.", min=1, show_default=False)
    ] = None,
    delta_chars: Annotated[
        int | None,
        typer.Option(
            help="Characters per delta; with --deltas the reply is made up to that length.",
            min=1,
            show_default=False,
        ),
    ] = None,
    pace: Annotated[
        float, typer.Option(help="Seconds between deltas; 0 is as fast as it can.", min=0.0)
    ] = 0.0,
    delay: Annotated[float, typer.Option(help="Seconds before a reply begins.", min=0.0)] = 0.0,
) -> None:
    """Run a Messages API on this machine: no account, no costs, made-up answers."""
    default = Reply(deltas=deltas, delta_chars=delta_chars, pace=pace, delay=delay)
    simulator = Simulator(port=port, default=default)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(simulator))
    except OSError as error:
        typer.echo(
            f"Port {port} cannot be used ({error.strerror or error}): "
            "choose another one with --port, or a free one with --port 0.",
            err=True,
        )
        raise typer.Exit(CONFIGURATION) from None
    except KeyboardInterrupt:
        pass


async def _serve(simulator: Simulator) -> None:
    stopped = asyncio.Event()
    async with simulator:
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        print(
            f"Simulator on {simulator.url}. Point a client at it with "
            f"ANTHROPIC_BASE_URL={simulator.url} ANTHROPIC_API_KEY=simulator",
            flush=True,
        )
        await stopped.wait()
