"""What arrived, kept within bounds and readable from any thread."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

HIDDEN = "[hidden]"
"""Stands where a credential stood."""

CREDENTIALS = ("authorization", "x-api-key", "proxy-authorization", "cookie")


class RecordedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived, and what became of it."""

    number: int
    """Counts from 1 in the order of arrival."""
    at: float
    """Seconds since the epoch (UTC)."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; of credentials only the scheme is kept: `Bearer [hidden]`."""
    body: Any = None
    """The parsed JSON; None if there was none."""
    status: int | None = None
    """What was answered; None until then, and if the connection was dropped."""
    usage: dict[str, Any] | None = None
    """What the complete answer costs, also if it was cut; None if there was no answer."""
    client_left: bool = False
    """The client closed the connection before the end of the response."""
    ended_at: float | None = None
    """When nothing more was sent; None while it is being answered."""


Condition: TypeAlias = Callable[[Sequence[RecordedRequest]], bool]


class RequestLog:
    """The last requests: at most `keep` of them, and not more than `keep_bytes` of bodies."""

    def __init__(self, keep: int, keep_bytes: int = 64 * 1024 * 1024) -> None:
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._bytes = 0
        self._count = 0
        self._kept: dict[int, tuple[RecordedRequest, int]] = {}
        self._changed = threading.Condition()

    def arrive(
        self, at: float, method: str, path: str, headers: Mapping[str, str], body: Any, size: int
    ) -> RecordedRequest:
        """Note a request whose body has `size` bytes."""
        with self._changed:
            self._count += 1
            request = RecordedRequest(
                number=self._count,
                at=at,
                method=method,
                path=path,
                headers=hide_credentials(headers),
                body=body,
            )
            self._kept[request.number] = request, size
            self._bytes += size
            self._forget_surplus()
            self._changed.notify_all()
        return request

    def next_number(self) -> int:
        """For what is charged like a request and came in another one."""
        with self._changed:
            self._count += 1
            return self._count

    def update(self, number: int, **facts: Any) -> None:
        with self._changed:
            if number in self._kept:
                request, size = self._kept[number]
                self._kept[number] = msgspec.structs.replace(request, **facts), size
                self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._kept.clear()
            self._bytes = 0
            self._changed.notify_all()

    def snapshot(self) -> tuple[RecordedRequest, ...]:
        with self._changed:
            return self._requests()

    def wait_until(self, condition: Condition, within: float) -> tuple[RecordedRequest, ...]:
        """Block until the requests fulfil the condition.

        Raises:
            TimeoutError: they did not within so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self._requests()), within):
                seen = [(each.method, each.path, each.status) for each in self._requests()]
                raise TimeoutError(f"The simulator waited {within:g} s in vain; it has seen {seen}.")
            return self._requests()

    def _requests(self) -> tuple[RecordedRequest, ...]:
        return tuple(request for request, _ in self._kept.values())

    def _forget_surplus(self) -> None:
        while self._kept and (len(self._kept) > self._keep or self._bytes > self._keep_bytes):
            _, size = self._kept.pop(next(iter(self._kept)))
            self._bytes -= size


def hide_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _hidden(value) if name in CREDENTIALS else value for name, value in headers.items()}


def _hidden(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {HIDDEN}" if rest else HIDDEN
