"""What a server must promise before anything is stored in it. Pure: it looks at what `INFO` says."""

from collections.abc import Mapping
from typing import Any

from antiphon.errors import ConfigurationError

UNSEEN = (
    "Redis does not let this user see whether `appendonly` is `yes` and `maxmemory-policy` is `noeviction`; "
    "without them conversations can be lost. Nothing was stored; allow the user INFO (ACL: +info)."
)


def check_server(info: Mapping[str, Any]) -> None:
    """Raises ConfigurationError: it would lose what it has acknowledged, by its settings."""
    appends, policy = info.get("aof_enabled"), info.get("maxmemory_policy")
    if appends is None or policy is None:
        raise ConfigurationError(UNSEEN)
    if not appends:
        raise ConfigurationError(
            "This Redis keeps no log on disk (`appendonly no`): conversations would be gone when it "
            "restarts. Nothing was stored; set `appendonly yes` in its configuration."
        )
    if policy != "noeviction":
        raise ConfigurationError(
            f"This Redis throws data away when its memory is full (`maxmemory-policy {policy}`): "
            "conversations could lose parts. Nothing was stored; set `maxmemory-policy noeviction` there."
        )


def is_cluster(info: Mapping[str, Any]) -> bool:
    return bool(info.get("cluster_enabled"))
