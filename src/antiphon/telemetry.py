"""Logs: JSON lines on stderr, or readable ones on a terminal. Ids and names only: no message, no key.

The words of an exception are left out: they quote what failed, a statement with its values or a message that
did not parse. Its type and the places it came through say enough to find it.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

HIDDEN = "[hidden]"
PLACES = 12
"""Frames of a traceback that are told, the innermost last."""

_SECRET = re.compile(r"(?i)\bsk-[\w-]{4,}|(?<=\bbearer )\S+")


def configure_logging(level: int = logging.INFO) -> None:
    """Send our log and other libraries' warnings to stderr. For programs; a library leaves it to them."""
    renderer: Any = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_faults,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    handler = logging.StreamHandler()
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared], processors=[meta, renderer]
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def fault_facts(error: BaseException) -> dict[str, Any]:
    """What may be told of an exception that nobody foresaw: its type, what caused it, and where."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    facts: dict[str, Any] = {
        "error": type(error).__name__,
        "at": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if (cause := error.__cause__ or error.__context__) is not None:
        facts["caused_by"] = type(cause).__name__
    return facts


def tell_faults(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """`exc_info` becomes `fault_facts`."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    return {**event, **fault_facts(given)} if given else event


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: _without_secrets(value) for name, value in event.items()}


def _without_secrets(value: Any) -> Any:
    return _SECRET.sub(HIDDEN, value) if isinstance(value, str) else value
