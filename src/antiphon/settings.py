"""Settings: one frozen object, read at the edge. Flags win over environment, that over `antiphon.toml`.

Only this module reads the environment; the SDK reads its own `ANTHROPIC_*` variables besides.
"""

import os
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from antiphon.errors import ConfigurationError
from antiphon.money.budgets import Budget, Period, Scope
from antiphon.money.dollars import MOST_USD, nanodollars
from antiphon.tools.mcp_server import McpServer
from antiphon.tools.server_tool import ServerTool, ServerToolName

FILE = "antiphon.toml"
LOCAL = "local"
"""The model name of the local model."""


class BudgetEntry(BaseModel):
    """One `[[budget]]` of `antiphon.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Scope
    usd: Decimal = Field(ge=0, le=MOST_USD)
    period: Period = "total"

    @model_validator(mode="after")
    def _no_period(self) -> Self:
        if self.scope == "request" and self.period != "total":
            raise ValueError("a budget of each request has no period: leave it out")
        return self


class ServerToolEntry(BaseModel):
    """One of Claude's own tools with its limit; further fields go to Claude as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: ServerToolName
    max_uses: int | None = Field(None, ge=1)


class ToolsEntry(BaseModel):
    """`[tools]` of `antiphon.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    functions: tuple[str, ...] = ()
    """`package.module:function`"""
    server: tuple[ServerToolName | ServerToolEntry, ...] = ()
    """Claude's own: names, or tables with a name and a limit."""
    search_history: bool = False
    approve: tuple[str, ...] = ()
    """Tools that ask a person first, by the names that Claude knows them by."""

    def known(self) -> tuple[ServerTool | str, ...]:
        """All that need not be loaded."""
        entries = [ServerToolEntry(name=each) if isinstance(each, str) else each for each in self.server]
        tools = [ServerTool(each.name, each.max_uses, each.model_extra or {}) for each in entries]
        return (*tools, *(["search_history"] if self.search_history else []))


class McpEntry(BaseModel):
    """One `[mcp.NAME]` of `antiphon.toml`. In `env` and `headers`, `${NAME}` is an environment variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | tuple[str, ...] | None = None
    args: tuple[str, ...] = ()
    url: str | None = None
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    cwd: str | None = None
    log: str | None = None
    timeout_s: float = Field(60.0, gt=0)
    start_s: float = Field(10.0, gt=0)

    def server(self, name: str) -> McpServer:
        """Raises ConfigurationError: it cannot be used so, or a variable is not set."""
        words = shlex.split(self.command) if isinstance(self.command, str) else list(self.command or ())
        return McpServer(
            name,
            command=[*words, *self.args],
            url=self.url,
            env={key: _expanded(value, name) for key, value in self.env.items()},
            headers={key: _expanded(value, name) for key, value in self.headers.items()},
            cwd=self.cwd,
            log=self.log,
            timeout_s=self.timeout_s,
            start_s=self.start_s,
        )


def _expanded(value: str, server: str) -> str:
    def variable(match: re.Match[str]) -> str:
        if (found := os.environ.get(match[1])) is None:
            raise ConfigurationError(
                f"MCP server {server} needs the environment variable {match[1]}: set it."
            )
        return found

    return re.sub(r"\$\{(\w+)\}", variable, value)


class Settings(BaseSettings):
    """Times are seconds. Each field is `ANTIPHON_<NAME>` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="ANTIPHON_", env_ignore_empty=True, toml_file=FILE, extra="forbid", frozen=True
    )

    store: str = "memory://"
    migrate: Literal["auto", "never"] = "auto"
    """Whether PostgreSQL is brought to this version's schema when it is opened."""
    model: str = "claude-sonnet-5-5"
    local_model: str | None = None
    """A GGUF file or a name of the catalogue, for the model `local`."""
    small_model: str = "claude-haiku-5-5"
    """For titles and summaries."""
    cache: Literal["auto", "5m", "1h", "off"] = "auto"
    """How long the prompt cache is asked to live; `auto`: by the pauses of each conversation."""
    compaction: Literal["on", "off"] = "on"
    """Whether long conversations are sent with a summary in place of their beginning."""
    keepalive: Literal["off", "auto"] = "off"
    titles: Literal["on", "off"] = "on"
    max_tokens: int = Field(8192, ge=1)
    max_history_turns: int | None = Field(None, ge=1)
    deadline_s: float = Field(300.0, gt=0)
    stall_s: float = Field(60.0, gt=0)
    max_attempts: int = Field(3, ge=1)
    """Requests that may be made for one step of an answer, retries and fallbacks together."""
    fallback: Annotated[tuple[str, ...], NoDecode] = ()
    """Models that answer when the conversation's own does not, in that order."""
    approval_s: float = Field(86_400.0, gt=0)
    """How long a tool waits for a person's word; then it counts as denied."""
    lease_s: float = Field(10.0, gt=0)
    queue_max: int = Field(100, ge=1)
    keep_deltas_s: float = Field(86_400.0, ge=0)
    """How long the deltas of a turn that ended are kept."""
    max_body: ByteSize = ByteSize(1_000_000)
    max_import: ByteSize = ByteSize(32_000_000)
    """The largest exported conversation that the server reads in."""
    max_file: ByteSize = ByteSize(32_000_000)
    """The largest file that the server takes; Claude takes less of some kinds."""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1)
    """Processes of `antiphon serve` behind its port."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    budget_usd: Decimal | None = Field(None, ge=0, le=MOST_USD)
    """What the whole installation may spend, in `budget_period`."""
    budget_period: Period = "total"
    budget: tuple[BudgetEntry, ...] = ()
    """Further budgets: `[[budget]]` in `antiphon.toml`."""
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Models that the price table does not list: `[model."name"]` in `antiphon.toml`."""
    tools: ToolsEntry = ToolsEntry()
    """What Claude may use: `[tools]` in `antiphon.toml`."""
    mcp: dict[str, McpEntry] = Field(default_factory=dict)
    """Servers with further tools: `[mcp.NAME]` in `antiphon.toml`."""

    def mcp_servers(self) -> tuple[McpServer, ...]:
        """Raises ConfigurationError: one cannot be used as it is."""
        return tuple(entry.server(name) for name, entry in self.mcp.items())

    def without_tools(self) -> "Settings":
        """For the library, which is given its tools as arguments."""
        return self.model_copy(update={"tools": ToolsEntry(), "mcp": {}})

    def budgets(self) -> tuple[Budget, ...]:
        """All budgets in force."""
        entries = self.budget
        if self.budget_usd is not None:
            own = BudgetEntry(scope="installation", usd=self.budget_usd, period=self.budget_period)
            entries = (own, *entries)
        return tuple(
            Budget(scope=entry.scope, nanodollars=nanodollars(entry.usd), period=entry.period)
            for entry in entries
        )

    @field_validator("allowed_hosts", "cors_origins", "fallback", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A list in the file, names with commas between them in the environment."""
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _File(settings_cls)


class _File(TomlConfigSettingsSource):
    """`antiphon.toml`, in which `model` is a table: `default` names the model, the rest are models."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if isinstance(table := values.get("model"), dict):
            models = {name: facts for name, facts in table.items() if isinstance(facts, dict)}
            values = {**values, "models": models}
            values.pop("model")
            if "default" in table:
                values["model"] = table["default"]
        return values


def read_settings(**flags: Any) -> Settings:
    """The settings in force; `flags` that are None were not given.

    Raises:
        ConfigurationError: names each value that cannot be used, without showing it.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False, include_input=False))
        raise ConfigurationError(
            f"These settings cannot be used: {faults}. Change ANTIPHON_… or {FILE}."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{FILE} cannot be read: {error}") from None


def _fault(fault: Any) -> str:
    name = ".".join(str(part) for part in fault["loc"]) or "settings"
    return f"{name} ({fault['msg']})"


def data_folder() -> Path:
    """Where conversations are kept if nothing else is said: `$XDG_DATA_HOME/antiphon`."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "antiphon"


def with_lasting_store(settings: Settings) -> Settings:
    """The settings, with a database in the user's data folder where no store was chosen.

    So do all commands that keep conversations, and the server; the library keeps them in memory.
    """
    if "store" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"store": f"sqlite:///{data_folder() / 'antiphon.db'}"})
