"""Sends an answer as its script asks: streamed or whole, paced, in chunks of some kind, with a fault."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import assert_never

from antiphon.simulator.charging import Progress
from antiphon.simulator.chunks import chunk, paced, strike, writes
from antiphon.simulator.encoding import HEADERS as ZIPPED_HEADERS
from antiphon.simulator.encoding import Compressor, compressed
from antiphon.simulator.errors import STATUS_OF_TYPE, ApiError, envelope
from antiphon.simulator.frames import PING, Frame, frame
from antiphon.simulator.http import Exchange
from antiphon.simulator.playbook import Gate
from antiphon.simulator.script import AnyFault, HangUp, Reset, Stall, Streamed, StreamError, Truncate

STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
JSON_HEADERS = {"content-type": "application/json"}


class Wire:
    """The body of one streamed response, compressed or not."""

    def __init__(self, exchange: Exchange, *, gzip: bool) -> None:
        self.exchange = exchange
        self._compressor = Compressor() if gzip and exchange.accepts_gzip else None

    async def begin(self, headers: Mapping[str, str]) -> None:
        zipped = ZIPPED_HEADERS if self._compressor else {}
        await self.exchange.begin(200, {**STREAM_HEADERS, **headers, **zipped})

    def packed(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        if self._compressor is None:
            return frames
        return [Frame(self._compressor.add(each.data)) for each in frames]

    async def end(self) -> None:
        """As if all were well."""
        if self._compressor is not None:
            await self.exchange.write(chunk(self._compressor.end()))
        await self.exchange.end()


async def deliver_stream(
    exchange: Exchange,
    headers: Mapping[str, str],
    frames: Sequence[Frame],
    how: Streamed,
    gate: Gate,
    progress: Progress,
) -> bool:
    """Returns whether the stream came to its end; `progress` tells how far, also if this is cancelled."""
    wire = Wire(exchange, gzip=how.gzip)
    await wire.begin(headers)
    if how.fault is None:
        await _send(wire, frames, how, progress)
        await wire.end()
        return True
    position = strike(frames, how.fault)
    await _send(wire, frames[:position], how, progress)
    return await _strike_stream(wire, how.fault, frames[position:], how, gate, progress)


async def _strike_stream(
    wire: Wire,
    fault: AnyFault,
    rest: Sequence[Frame],
    how: Streamed,
    gate: Gate,
    progress: Progress,
) -> bool:
    match fault:
        case StreamError():
            error = envelope(fault.type, fault.message, fault.details)
            await _send(wire, [frame(error)], how, Progress())
            await wire.end()
        case HangUp():
            wire.exchange.hang_up()
        case Reset():
            await wire.exchange.reset()
        case Truncate():
            await wire.end()
        case Stall():
            await _stall(wire, fault, gate)
            await _send(wire, rest, how, progress)
            await wire.end()
            return True
        case _:
            assert_never(fault)
    return False


async def _send(wire: Wire, frames: Sequence[Frame], how: Streamed, progress: Progress) -> None:
    steps = paced(frames) if how.pace else [frames]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, step in enumerate(steps):
        # By the clock and not by the last send, so that a late step does not delay all that follow.
        await _until(loop, begun + number * how.pace)
        progress.add(step)
        for data in writes(wire.packed(step), how.chunks):
            await wire.exchange.write(data)
            if how.chunks in ("torn", "byte"):
                await asyncio.sleep(0)  # the reader may take this part before the next one comes


async def _until(loop: asyncio.AbstractEventLoop, when: float) -> None:
    left = when - loop.time()
    if left > 0:
        await asyncio.sleep(left)


async def _stall(wire: Wire, stall: Stall, gate: Gate) -> None:
    if stall.ping_every is None:
        await gate.wait(stall.seconds)
        return
    left = stall.seconds
    while left > 0 and not await gate.wait(min(stall.ping_every, left)):
        left -= stall.ping_every
        await wire.exchange.write(chunk(wire.packed([PING])[0].data))


async def deliver_whole(
    exchange: Exchange, headers: Mapping[str, str], body: bytes, how: Streamed, gate: Gate
) -> None:
    """An answer that is not streamed. A fault strikes in the middle of its body.

    Raises:
        ApiError: the fault is an error, which here is one of HTTP.
    """
    headers = {**JSON_HEADERS, **headers}
    if how.gzip and exchange.accepts_gzip:
        headers, body = {**headers, **ZIPPED_HEADERS}, compressed(body)
    fault = how.fault
    half, rest = body[: len(body) // 2], body[len(body) // 2 :]
    match fault:
        case None:
            await exchange.respond(200, headers, body)
        case StreamError():
            status = STATUS_OF_TYPE.get(fault.type, 500)
            raise ApiError(status, fault.message, kind=fault.type, details=fault.details)
        case Truncate():
            await exchange.begin(200, headers)
            await exchange.write(chunk(half))
            await exchange.end()
        case HangUp():
            await exchange.begin_sized(200, headers, len(body))
            await exchange.write(half)
            exchange.hang_up()
        case Reset():
            await exchange.begin_sized(200, headers, len(body))
            await exchange.write(half)
            await exchange.reset()
        case Stall():
            await exchange.begin_sized(200, headers, len(body))
            await exchange.write(half)
            await gate.wait(fault.seconds)
            await exchange.write(rest)
            exchange.over = True
        case _:
            assert_never(fault)
