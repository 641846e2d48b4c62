"""Running a command that talks: its event loop, its log file, and every way in which it may end."""

import logging
import os
import sys
import warnings
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from typing import Any

import structlog

from antiphon.cli.exits import Exit, exit_of, say_problem
from antiphon.cli.interrupts import Main, run
from antiphon.domain.events import Problem
from antiphon.domain.problems import problem_of
from antiphon.errors import AntiphonError
from antiphon.settings import data_folder
from antiphon.telemetry import fault_facts, hide_secrets, tell_faults

LOG_BYTES = 1_000_000

log = structlog.get_logger()


def run_command(main: Main, *, json: bool = False) -> int:
    """Run it and return its exit code. What goes wrong is a sentence on stderr, or with `json` a problem."""
    _prepare_output()
    _log_to_file()
    try:
        return run(main)
    except AntiphonError as error:
        say_problem(problem_of(error), json=json, turn_id=error.facts.get("turn_id"))
        return exit_of(error)
    except BrokenPipeError:
        _drop_output()
        return Exit.FAILED
    except OSError as error:
        _drop_output()
        say_problem(_unwritten(error), json=json)
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 - a fault of ours is told in one sentence, too
        log.error("command_fault", **fault_facts(error))  # noqa: TRY400 - in words that hold no secret
        say_problem(_fault(error), json=json)
        return Exit.FAILED


def _unwritten(error: OSError) -> Problem:
    return Problem(
        name="internal",
        title="The output cannot be written",
        detail=f"The output cannot be written ({error.strerror or error}), so the answer was stopped. What "
        "was written of it is kept in the conversation.",
    )


def _fault(error: Exception) -> Problem:
    return Problem(
        name="internal",
        title="Something went wrong",
        detail=f"A fault in this program ended the command ({type(error).__name__}). What was answered "
        f"before is kept; {_log_path()} says where it happened.",
    )


def _prepare_output() -> None:
    """Other libraries' warnings are not for people who talk; what a pipe takes is UTF-8 everywhere."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            encoding = {} if stream.isatty() else {"encoding": "utf-8", "newline": "\n"}
            stream.reconfigure(errors="replace", **encoding)


def _log_path() -> str:
    return str(data_folder() / "antiphon.log")


def _log_to_file() -> None:
    """Only sentences go to stderr. Without a folder that can be written, nothing is logged."""
    logging.raiseExceptions = False
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):
        data_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(_log_path(), maxBytes=LOG_BYTES, backupCount=1, delay=True)
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_faults,
        hide_secrets,
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared], processors=last
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _drop_output() -> None:
    """Whoever read stdout has left: nothing more is written to it, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
