"""The process of an isolated tool: `python -m antiphon.tools.child`, an order on stdin, an answer on stdout.

What the function prints goes to stderr: stdout is for the answer alone.
"""

import asyncio
import importlib
import importlib.util
import inspect
import os
import sys
from typing import Any

import msgspec

from antiphon.domain.messages import clean_json
from antiphon.errors import ToolError
from antiphon.telemetry import fault_facts
from antiphon.tools.function import FunctionTool
from antiphon.tools.inputs import read_signature
from antiphon.tools.results import blocks_of, bounded

NAME_OF_MAIN = "__antiphon_main__"
"""The name under which a program is loaded whose function is wanted: not `__main__`, which would run it."""


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    order = msgspec.json.decode(sys.stdin.buffer.read())
    sys.path[:] = order["path"]
    answer = answer_to(order)
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()
    os._exit(0)  # whatever threads the function has left


def answer_to(order: dict[str, Any]) -> dict[str, Any]:
    try:
        function = _found(order)
        arguments = read_signature(function, order["name"], "isolated").arguments(order["input"])
        value = function(**arguments)
        if inspect.isawaitable(value):
            value = asyncio.run(_awaited(value))
        return {"blocks": clean_json(bounded(blocks_of(value)))}
    except ToolError as error:
        kind = "" if type(error) is ToolError else f"{type(error).__name__}: "
        return {"error": kind + error.detail}
    except BaseException as error:  # noqa: BLE001 - the answer says that there is none
        return {"fault": fault_facts(error)}


async def _awaited(value: Any) -> Any:
    return await value


def _found(order: dict[str, Any]) -> Any:
    if order["file"] is None:
        found: Any = importlib.import_module(order["module"])
    else:
        spec = importlib.util.spec_from_file_location(NAME_OF_MAIN, order["file"])
        if spec is None or spec.loader is None:
            raise ImportError(order["file"])
        found = importlib.util.module_from_spec(spec)
        sys.modules[NAME_OF_MAIN] = found
        spec.loader.exec_module(found)
    for part in order["name"].split("."):
        found = getattr(found, part)
    return found.function if isinstance(found, FunctionTool) else found


if __name__ == "__main__":
    main()
