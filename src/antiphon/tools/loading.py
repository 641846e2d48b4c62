"""Functions by their names, `package.module:function`, as a settings file gives them."""

import importlib
import sys
from pathlib import Path
from typing import Any

from antiphon.errors import AntiphonError, ConfigurationError
from antiphon.tools.function import FunctionTool
from antiphon.tools.tool import Tool


def load_function(name: str) -> Tool:
    """The tool of that name. Modules are also looked for in the current folder, where the settings lie.

    Raises:
        ConfigurationError: it is not there, cannot be loaded, or cannot be a tool.
    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise ConfigurationError(f"{name!r} does not name a tool: write package.module:function.")
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    found = _loaded(module_name, name)
    for part in path.split("."):
        if (found := getattr(found, part, None)) is None:
            raise ConfigurationError(f"The tool {name} cannot be loaded: {module_name} has no {path}.")
    return as_tool(found, name)


def as_tool(given: Any, called: str = "") -> Tool:
    """What somebody calls a tool, as a tool. Raises ConfigurationError."""
    if isinstance(given, FunctionTool):
        return given.tool
    if isinstance(given, Tool):
        return given
    if callable(given) and not isinstance(given, type):
        return FunctionTool(given).tool
    raise ConfigurationError(
        f"{called or repr(given)} is not a tool: a typed function with a docstring is one."
    )


def _loaded(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except AntiphonError:
        raise
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The tool {name} cannot be loaded: there is no module {error.name}, neither in the current "
            "folder nor among what is installed."
        ) from None
    except Exception as error:
        raise ConfigurationError(
            f"The tool {name} cannot be loaded: importing {module} raised {type(error).__name__}: {error}"
        ) from error
