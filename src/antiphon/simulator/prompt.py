"""A request as the cache sees it: one position per block, each with the hash of everything up to it.

The order is tools, system, messages. What changes how a part is read without standing in it is hashed at the
beginning of that part, so that changing it leaves the parts before it valid:

- system: speed, the web search tools, whether citations are on, the output format
- messages: tool_choice, the kind of thinking and its budget, effort, whether there are images

Source: the prompt caching page of the API reference, "What invalidates the cache".
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from antiphon.simulator.models import Model
from antiphon.simulator.signatures import THINKING, seal_of
from antiphon.simulator.tokens import block_bytes, blocks_of, encode, spelled, tokens

TTL_SECONDS = {"5m": 300, "1h": 3600}

RUNS = ("tool_use", "tool_result")
"""Blocks of these kinds that follow each other are one position of the look-back."""

WEIGHED_AS_JSON = ("tool_use", "server_tool_use")

PLAIN = {"type", "text", "cache_control"}

ROLES = {"user": b"user ", "assistant": b"assistant ", "system": b"instruction "}

blake2b = hashlib.blake2b


class Prompt(NamedTuple):
    """The parallel lists have one element per block."""

    model: Model
    hashes: list[bytes]
    sizes: list[int]
    """Bytes up to and with the block."""
    positions: list[int]
    """Which position of the look-back the block belongs to."""
    breakpoints: list[tuple[int, int]]
    """(index of the block, seconds that an entry there lives), in order."""
    parts: tuple[int, int]
    """The number of blocks of tools, and of tools and system."""

    @property
    def input_tokens(self) -> int:
        return tokens(self.sizes[-1]) if self.sizes else 0


def read_prompt(
    body: Mapping[str, Any],
    model: Model,
    organization: str = "",
    dropped: Collection[tuple[int, int]] = (),
) -> Prompt:
    """The prompt of a valid request. `dropped` are the places of thinking that the model does not read."""
    reader = _Reader(encode([organization, model.id]))
    kinds = _kinds(body["messages"])
    web, tools = _divided(body.get("tools") or ())
    for tool in tools:
        reader.add(b"tool ", tool)
    tool_blocks = len(reader.hashes)
    reader.salt(_read_with_system(body, kinds))
    for tool in web:
        reader.add(b"tool ", tool)
    for block in blocks_of(body.get("system") or ()):
        reader.add(b"system ", block)
    system_blocks = len(reader.hashes)
    reader.salt(_read_with_messages(body, model, kinds))
    unread = dropped if model.keeps_thinking else {*dropped, *_earlier_thinking(body["messages"])}
    for index, message in enumerate(body["messages"]):
        role, content = ROLES[message["role"]], message["content"]
        if isinstance(content, str):
            reader.add_text(role, content)
            continue
        for number, block in enumerate(content):
            if not unread or (index, number) not in unread:
                reader.add(role, block)
    if body.get("cache_control"):
        reader.mark_last(body["cache_control"])
    parts = tool_blocks, system_blocks
    return Prompt(model, reader.hashes, reader.sizes, reader.positions, reader.breakpoints, parts)


class _Reader:
    """Every block of every request of a study passes here, so this is written for speed."""

    __slots__ = (
        "_kind",
        "_last",
        "_markable",
        "_position",
        "_size",
        "breakpoints",
        "hashes",
        "positions",
        "sizes",
    )

    def __init__(self, root: bytes) -> None:
        self._last = blake2b(root, digest_size=16).digest()
        self._size = 0
        self._position = 0
        self._kind = ""
        self._markable = -1
        self.hashes: list[bytes] = []
        self.sizes: list[int] = []
        self.positions: list[int] = []
        self.breakpoints: list[tuple[int, int]] = []

    def salt(self, value: Any) -> None:
        self._last = blake2b(self._last + encode(value), digest_size=16).digest()

    def add_text(self, role: bytes, text: str) -> None:
        if text:
            data = text.encode()
            self._last = last = blake2b(self._last + role + data, digest_size=16).digest()
            self._size += len(data)
            self._position += 1
            self._kind = "text"
            self._markable = len(self.hashes)
            self.hashes.append(last)
            self.sizes.append(self._size)
            self.positions.append(self._position)

    def add(self, role: bytes, block: Mapping[str, Any]) -> None:
        kind = block.get("type", "")
        if kind == "text" and block.keys() <= PLAIN:
            self.add_text(role, block["text"])
            mark = block.get("cache_control")
        else:
            data = spelled(block)
            self._append(kind, role + b"json " + data, _size(kind, block, data))
            mark = block.get("cache_control") or _inner_mark(block)
        if mark:
            self.breakpoints.append((len(self.hashes) - 1, _lifetime(mark)))

    def _append(self, kind: str, data: bytes, size: int) -> None:
        self._last = blake2b(self._last + data, digest_size=16).digest()
        self._size += size
        if kind != self._kind or kind not in RUNS:
            self._position += 1
        self._kind = kind
        if kind not in THINKING:
            self._markable = len(self.hashes)
        self.hashes.append(self._last)
        self.sizes.append(self._size)
        self.positions.append(self._position)

    def mark_last(self, mark: Mapping[str, Any]) -> None:
        """The automatic breakpoint: on the last block that can bear one."""
        if self._markable >= 0 and all(index != self._markable for index, _ in self.breakpoints):
            self.breakpoints.append((self._markable, _lifetime(mark)))


def _lifetime(mark: Mapping[str, Any]) -> int:
    return TTL_SECONDS[mark.get("ttl") or "5m"]


def _inner_mark(block: Mapping[str, Any]) -> Any:
    """A breakpoint within a tool result counts as one behind it."""
    inner = block.get("content")
    if not isinstance(inner, list):
        return None
    return next((each["cache_control"] for each in inner if _is_marked(each)), None)


def _is_marked(block: Any) -> bool:
    return isinstance(block, dict) and bool(block.get("cache_control"))


def _size(kind: str, block: Mapping[str, Any], data: bytes) -> int:
    """Thinking weighs what was thought, not what of it is shown."""
    if kind in THINKING:
        seal = seal_of(str(block.get("signature") or block.get("data") or ""))
        if seal is not None:
            return seal.size
    return len(data) if kind in WEIGHED_AS_JSON else block_bytes(block)


def _divided(tools: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Web search is switched on in the system prompt; all other tools stand before it."""
    listed = list(tools)
    web = [tool for tool in listed if str(tool.get("type", "")).startswith("web_search_")]
    return web, [tool for tool in listed if tool not in web] if web else listed


def _read_with_system(body: Mapping[str, Any], kinds: Collection[str]) -> Any:
    output = (body.get("output_config") or {}).get("format")
    return [body.get("speed") or "standard", output, "cited" in kinds]


def _read_with_messages(body: Mapping[str, Any], model: Model, kinds: Collection[str]) -> Any:
    thinking = body.get("thinking") or {}
    effort = (body.get("output_config") or {}).get("effort") or model.effort_default
    return [
        body.get("tool_choice") or {"type": "auto"},
        thinking.get("type") or model.thinking_default,
        thinking.get("budget_tokens"),
        effort,
        "image" in kinds,
    ]


def _kinds(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The types of all blocks, those within tool results too; and `cited` if a document is to be cited."""
    kinds: set[str] = set()
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            continue
        for block in content:
            kind = block.get("type")
            kinds.add(kind)
            if kind == "tool_result":
                kinds.update(each.get("type") for each in blocks_of(block.get("content") or ()))
            elif kind == "document" and (block.get("citations") or {}).get("enabled"):
                kinds.add("cited")
    return kinds


def _earlier_thinking(messages: list[Mapping[str, Any]]) -> set[tuple[int, int]]:
    """The places of thinking before the last message in which a person speaks."""
    spoke = max((index for index, message in enumerate(messages) if _is_spoken(message)), default=0)
    return {
        (index, number)
        for index, message in enumerate(messages[:spoke])
        if not isinstance(message["content"], str)
        for number, block in enumerate(message["content"])
        if block.get("type") in THINKING
    }


def _is_spoken(message: Mapping[str, Any]) -> bool:
    return message["role"] == "user" and any(
        block.get("type") != "tool_result" for block in blocks_of(message["content"])
    )
