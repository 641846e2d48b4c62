"""`@tool`: what Claude is told of a function, what it may give it, and what comes back."""

import base64
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from antiphon import AsyncChat, ConfigurationError, ToolError, tool
from antiphon.simulator.server import Simulator
from antiphon.tools.function import FunctionTool
from tests.tools.results import results_of, told

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Unit(StrEnum):
    C = "celsius"
    F = "fahrenheit"


class Place(BaseModel):
    city: str = Field(description="Its name.", min_length=1)
    country: str = "FR"


@tool(effect="pure", timeout_s=5)
async def weather(place: Place, days: Annotated[int, Field(ge=1, le=7)] = 1, unit: Unit = Unit.C) -> str:
    """The weather of a place.

    Use it whenever somebody asks about the weather.

    Args:
        place: where.
        days: how many days ahead.

    Returns:
        One line for each day.
    """
    return f"{place.city}, {place.country}: {days} days of sun in {unit.value}"


@tool
def add(a: int, b: int = 2) -> int:
    """Adds two numbers."""
    return a + b


def test_claude_is_told_the_types_the_docstring_and_the_name() -> None:
    wire = weather.tool.wire()
    assert list(wire) == ["name", "description", "input_schema"]
    assert wire["name"] == "weather"
    assert wire["description"] == (
        "The weather of a place.\n\nUse it whenever somebody asks about the weather.\n\n"
        "Returns: One line for each day."
    )
    schema = wire["input_schema"]
    assert (schema["type"], schema["required"], schema["additionalProperties"]) == (
        "object",
        ["place"],
        False,
    )
    assert schema["properties"]["days"] == {
        "default": 1,
        "description": "how many days ahead.",
        "maximum": 7,
        "minimum": 1,
        "type": "integer",
    }
    assert schema["properties"]["place"]["description"] == "where."
    assert schema["$defs"]["Place"]["properties"]["city"]["description"] == "Its name."
    assert schema["$defs"]["Unit"] == {"enum": ["celsius", "fahrenheit"], "type": "string"}
    assert "title" not in str(schema)


async def test_a_tool_is_still_the_function_that_it_was() -> None:
    assert add(1, b=4) == 5
    assert add.__name__ == "add"
    assert await weather(Place(city="Paris")) == "Paris, FR: 1 days of sun in celsius"


def test_name_description_effect_and_timeout_can_be_given() -> None:
    def f(x: str, schema: Literal["a", "b"] = "a") -> None:
        """Not told."""

    made = tool(name="look-up", description="Looks up.", effect="idempotent", timeout_s=2)(f).tool
    assert (made.name, made.description, made.effect, made.timeout_s) == (
        "look-up",
        "Looks up.",
        "idempotent",
        2,
    )
    assert list(made.schema["properties"]) == ["x", "schema"]
    assert (tool(f).tool.effect, tool(f).tool.timeout_s) == ("once", 60)


async def test_claude_gets_what_the_function_returns(simulator: Simulator) -> None:
    given = {"place": {"city": "Rome", "country": "IT"}, "days": 3, "unit": "fahrenheit"}
    sun, sum_, default = await results_of(
        simulator, [weather, add], ("weather", given), ("add", {"a": 5, "b": 6}), ("add", {"a": 1})
    )
    assert told(sun) == "Rome, IT: 3 days of sun in fahrenheit"
    assert (told(sum_), told(default)) == ("11", "3")
    assert [offered["name"] for offered in simulator.requests[0].body["tools"]] == ["add", "weather"]


async def test_a_wrong_input_is_told_and_nothing_is_run(simulator: Simulator) -> None:
    ran: list[int] = []

    def count(to: int, step: Literal[1, 2] = 1) -> int:
        """Counts."""
        ran.append(to)
        return to

    wrong: list[dict[str, Any]] = [{}, {"to": "many"}, {"to": 1, "step": 3}, {"to": 1, "tail": True}]
    results = await results_of(simulator, [count], *(("count", given) for given in wrong))
    assert all(result["is_error"] for result in results)
    assert [told(result).partition("nothing was run. ")[2] for result in results] == [
        "to: Field required.",
        "to: Input should be a valid integer, unable to parse string as an integer.",
        "step: Input should be 1 or 2.",
        "tail: Extra inputs are not permitted.",
    ]
    assert ran == []


@dataclass
class Point:
    x: int
    when: date


async def test_results_of_many_kinds(simulator: Simulator) -> None:
    values: dict[str, Any] = {
        "nothing": None,
        "empty": "",
        "text": "a \x00 and \ud800",
        "number": 1.5,
        "endless": float("nan"),
        "json": {"price": Decimal("1.50"), "of": [date(2026, 1, 2), Unit.C]},
        "model": Place(city="Oslo"),
        "dataclasses": [Point(1, date(2026, 1, 2))],
        "block": {"type": "text", "text": "a block"},
        "surrogate": {"a": "\ud800"},
    }

    def give(key: str) -> Any:
        """Gives it."""
        return values[key]

    results = await results_of(simulator, [give], *(("give", {"key": key}) for key in values))
    assert [told(result) for result in results] == [
        "(no output)",
        "(no output)",
        "a \ufffd and \ufffd",
        "1.5",
        '"NaN"',
        '{"price":"1.50","of":["2026-01-02","celsius"]}',
        '{"city":"Oslo","country":"FR"}',
        '[{"x":1,"when":"2026-01-02"}]',
        "a block",
        '{"a":"\ufffd"}',
    ]
    assert not any(result.get("is_error") for result in results)


async def test_images_are_shown_if_they_are_images(simulator: Simulator) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}

    def chart() -> bytes:
        """Draws."""
        return PNG

    def album() -> Sequence[object]:
        """Shows."""
        return [
            {"type": "text", "text": "Two:"},
            {"type": "image", "source": source},
            {"type": "image", "source": {**source, "media_type": "image/jpeg"}},
            {"type": "image", "source": {**source, "data": "no base64!"}},
            {"type": "image", "source": {**source, "data": "A" * 6_000_000}},
        ]

    def noise() -> bytes:
        """Makes noise."""
        return b"\x00\x01"

    drawn, shown, failed = await results_of(
        simulator, [chart, album, noise], ("chart", {}), ("album", {}), ("noise", {})
    )
    assert drawn["content"] == [{"type": "image", "source": source}]
    assert [block["type"] for block in shown["content"]] == ["text", "image", "text", "text", "text"]
    assert [block["text"] for block in shown["content"][2:]] == [
        "[left out: an image that is not what it says it is]",
        "[left out: an image that is not valid base64]",
        "[left out: an image of 6 MB, which is too large]",
    ]
    assert failed["is_error"]


class NotOnMap(ToolError):
    pass


async def test_claude_reads_a_tool_error_and_nothing_of_other_exceptions(simulator: Simulator) -> None:
    def find(city: str) -> str:
        """Finds a city."""
        if city == "Atlantis":
            raise NotOnMap("There is no Atlantis; did you mean Atlanta?")
        if city == "Rome":
            raise ToolError("Too many roads.")
        raise KeyError("password=hunter2")

    names = ("Atlantis", "Rome", "Paris")
    results = await results_of(simulator, [find], *(("find", {"city": name}) for name in names))
    assert [told(result) for result in results] == [
        "NotOnMap: There is no Atlantis; did you mean Atlanta?",
        "Too many roads.",
        "The tool failed.",
    ]
    assert all(result["is_error"] for result in results)


async def test_synchronous_functions_run_at_once_each_in_a_thread_of_its_own(simulator: Simulator) -> None:
    met = threading.Barrier(2, timeout=10)

    def meet() -> str:
        """Waits for the other."""
        met.wait()
        return threading.current_thread().name

    results = await results_of(simulator, [meet], ("meet", {}), ("meet", {}))
    assert [told(result) for result in results] == ["tool meet"] * 2


def no_docstring(x: int) -> int:
    return x


def no_type(x) -> str:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Has none."""
    return str(x)


def variadic(*words: str) -> str:
    """Takes any."""
    return " ".join(words)


def no_schema(lock: threading.Lock) -> None:
    """Takes a lock."""


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (no_docstring, "no docstring"),
        (no_type, "Parameter x of tool no_type has no type"),
        (variadic, "without a name"),
        (no_schema, "tool no_schema"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_why(function: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        tool(function)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name": "no spaces"}, "cannot be named"),
        ({"effect": "sometimes"}, "pure, idempotent, once"),
        ({"timeout_s": 0}, "more than 0"),
    ],
)
def test_an_option_that_cannot_be_used_says_why(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        FunctionTool(add.function, **options)


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        (["nonesuch"], "no tool 'nonesuch'"),
        ([add, add], "Two tools have the same name: add"),
        ([42], "42 is not a tool"),
        ([Place], "not a tool"),
    ],
)
async def test_what_is_no_tool_is_refused(offered: list[Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        async with AsyncChat(tools=offered, api_key="key") as chat:
            await chat.send("hello")
