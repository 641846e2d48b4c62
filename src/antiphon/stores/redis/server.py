"""One Redis server or a cluster of them, behind the same few calls. What the driver raises becomes ours."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from redis.asyncio.client import PubSub
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from antiphon.errors import StoreUnavailable
from antiphon.stores.finishing import finish
from antiphon.stores.redis.connect import Client, connect
from antiphon.stores.redis.scripts import Command

AT_ONCE = 32
"""How many calls may be under way; further ones wait, so that a burst does not open a connection each."""

DRIVER_ERRORS = (RedisError, RedisClusterException, OSError)


def unavailable(error: Exception) -> StoreUnavailable:
    """One sentence for whatever the driver raised, with nothing of the address, the keys or the values."""
    failure = StoreUnavailable(
        "The store cannot be reached or written to. Nothing of this request was half-done; try again."
    )
    failure.__cause__ = error
    return failure


@contextmanager
def store_errors() -> Iterator[None]:
    try:
        yield
    except DRIVER_ERRORS as error:
        raise unavailable(error) from error


class Server:
    """`open` it before use. It sends nothing twice: a lost reply does not say that nothing was done."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: Client | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    async def open(self) -> None:
        """Connect, and check that what is acknowledged stays stored.

        Raises:
            StoreUnavailable, ConfigurationError.
        """
        with store_errors():
            self._open = await connect(self._url)

    async def close(self) -> None:
        if self._open is not None:
            client, self._open = self._open, None
            await client.aclose()

    def pubsub(self) -> PubSub:
        """A connection of its own, to hear what is published; on a cluster, to any node."""
        return self._client.pubsub()

    # Commands

    async def run(self, command: Command) -> Any:
        """Raises StoreUnavailable."""
        return await finish(self._run(command))

    async def run_all(self, commands: Sequence[Command]) -> list[Any]:
        """One round trip to each node. Raises StoreUnavailable if one of them fails; others may be done."""
        replies = await self.try_all(commands)
        for reply in replies:
            if isinstance(reply, StoreUnavailable):
                raise reply
        return replies

    async def try_all(self, commands: Sequence[Command]) -> list[Any]:
        """Like `run_all`, with a StoreUnavailable in place of each reply that did not come."""
        return await finish(self._try_all(commands))

    @property
    def _client(self) -> Client:
        if self._open is None:
            raise StoreUnavailable("The store is closed.")
        return self._open

    async def _run(self, command: Command) -> Any:
        with store_errors():
            async with self._places:
                try:
                    return await self._client.execute_command(*command.args)
                except NoScriptError:
                    return await self._client.execute_command(*command.unabridged)

    async def _try_all(self, commands: Sequence[Command]) -> list[Any]:
        if len(commands) == 1:
            return [await self._try(commands[0])]
        replies: list[Any] = [None] * len(commands)
        await asyncio.gather(
            *(self._pipeline(commands, places, replies) for places in self._by_node(commands))
        )
        return replies

    async def _try(self, command: Command) -> Any:
        try:
            return await self._run(command)
        except StoreUnavailable as failure:
            return failure

    def _by_node(self, commands: Sequence[Command]) -> list[list[int]]:
        """Places in `commands`, grouped: a node that fails must not take the others' replies with it."""
        client, groups = self._client, dict[str, list[int]]()
        for place, command in enumerate(commands):
            name = _node_of(client, command.key) if isinstance(client, RedisCluster) else ""
            groups.setdefault(name, []).append(place)
        return list(groups.values())

    async def _pipeline(self, commands: Sequence[Command], places: list[int], replies: list[Any]) -> None:
        sent = await self._send([commands[place].args for place in places])
        unknown = [index for index, reply in enumerate(sent) if isinstance(reply, NoScriptError)]
        if unknown:
            whole = await self._send([commands[places[index]].unabridged for index in unknown])
            for index, reply in zip(unknown, whole, strict=True):
                sent[index] = reply
        for place, reply in zip(places, sent, strict=True):
            replies[place] = unavailable(reply) if isinstance(reply, Exception) else reply

    async def _send(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        async with self._places:
            pipeline = self._client.pipeline(transaction=False)
            for args in commands:
                pipeline.execute_command(*args)
            try:
                return await pipeline.execute(raise_on_error=False)
            except DRIVER_ERRORS as error:
                await self._look_again()
                return [error] * len(commands)

    async def _look_again(self) -> None:
        """A node of a cluster may have been replaced: ask the others who it is now."""
        if isinstance(self._client, RedisCluster):
            with suppress(*DRIVER_ERRORS):
                await self._client.nodes_manager.initialize()


def _node_of(cluster: RedisCluster, key: str) -> str:
    """The name of the node where a key lies; none if no node has its slot now."""
    with suppress(RedisClusterException):
        node = cluster.get_node_from_key(key)
        return node.name if node is not None else ""
    return ""
