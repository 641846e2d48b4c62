"""An MCP server to connect to, as a value: whoever has none need not have the SDK."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from antiphon.errors import ConfigurationError

_NAME = re.compile(r"[a-zA-Z0-9-]+(?:_[a-zA-Z0-9-]+)*")
NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class McpServer:
    """A program that is started and spoken to by stdin and stdout (`command`), or an address (`url`).

    Its tools are offered as `name__tool`. A program inherits PATH, HOME and the like, and what `env` adds;
    what it says on stderr goes to the file `log`. `headers` go with every request to the address.

    Raises:
        ConfigurationError: neither or both are given, or the name cannot be used.
    """

    name: str
    command: str | Sequence[str] | None = None
    url: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    log: str | None = None
    timeout_s: float = 60.0
    """Of each run of a tool."""
    approve: bool | Sequence[str] = False
    """Which of its tools ask a person first: all of them, or these, by the names that the server gives."""
    start_s: float = 10.0
    """How long to wait for the server at start, and for its list of tools."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > NAME_CHARS:
            raise ConfigurationError(
                f"An MCP server cannot be named {self.name!r}: at most {NAME_CHARS} letters, digits, - and "
                "_ make a name, without __."
            )
        if bool(self.words) == bool(self.url):
            raise ConfigurationError(f"MCP server {self.name} needs either a command or a url.")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"The url of MCP server {self.name} must begin with http:// or https://."
            )
        if self.timeout_s <= 0 or self.start_s <= 0:
            raise ConfigurationError(f"The times of MCP server {self.name} must be more than 0.")

    @property
    def words(self) -> list[str]:
        """The program and its arguments."""
        return shlex.split(self.command) if isinstance(self.command, str) else list(self.command or ())
