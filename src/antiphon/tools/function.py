"""`@tool`: a typed Python function that Claude may call."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from antiphon.errors import ConfigurationError
from antiphon.tools.inputs import Signature, read_signature
from antiphon.tools.isolated import Isolated
from antiphon.tools.threads import Threads
from antiphon.tools.tool import Effect, Tool, ToolCall

P = ParamSpec("P")
R = TypeVar("R")


class FunctionTool(Generic[P, R]):
    """A function that is a tool: call it as before, or give it to a chat."""

    __name__: str

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        effect: Effect = "once",
        timeout_s: float = 60.0,
        isolated: bool = False,
        approval: bool = False,
    ) -> None:
        name = name or str(getattr(function, "__name__", type(function).__name__))
        signature = read_signature(function, name, description)
        self.function = function
        self.tool = Tool(
            name=name,
            schema=signature.schema,
            call=_call_of(function, name, signature, isolated=isolated),
            description=signature.description,
            effect=effect,
            timeout_s=timeout_s,
            approval=approval,
        )
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "once",
    timeout_s: float = 60.0,
    isolated: bool = False,
    approval: bool = False,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:  # noqa: D417 - see above
    """Make a tool of a typed function, synchronous or not, that has a docstring.

    Args:
        function: its parameters' types make the schema; its docstring tells Claude what it does, and the
            `Args:` in it what each parameter means. It returns text, anything that can be JSON, pydantic
            models, content blocks, or the bytes of an image.
        name: instead of the function's.
        description: instead of the docstring.
        effect: what running it twice does: `pure` nothing, `idempotent` what running it once did, `once`
            harm. After a crash, a tool with effect `once` is not run again.
        timeout_s: seconds after which Claude is told that it did not finish.
        isolated: run it in a process of its own, which may crash or be killed alone. It must stand at the
            top of a module, and each run costs the start of a process.
        approval: ask a person each time before it runs.

    Raises:
        ConfigurationError: there is no docstring, a parameter has no type, or a type has no JSON schema.
    """
    if function is None:
        return functools.partial(FunctionTool, **options)
    return FunctionTool(function, **options)


def _call_of(function: Callable[..., Any], name: str, signature: Signature, *, isolated: bool) -> ToolCall:
    if not callable(function):
        raise ConfigurationError(f"Tool {name} is not a function.")
    if isolated:
        child = Isolated(function, name)

        async def call_in_child(given: dict[str, Any]) -> Any:
            signature.arguments(given)
            return await child.run(given)

        return call_in_child
    if inspect.iscoroutinefunction(function):

        async def call(given: dict[str, Any]) -> Any:
            return await function(**signature.arguments(given))

        return call
    threads = Threads(name)

    async def call_in_thread(given: dict[str, Any]) -> Any:
        return await threads.run(functools.partial(function, **signature.arguments(given)))

    return call_in_thread
