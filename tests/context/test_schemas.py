"""JSON schemas become what structured outputs take, or nothing where that would mean something else."""

import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from antiphon.context.plan import Limits, Request, plan_request
from antiphon.context.schemas import instruction, strict_form
from antiphon.money.table import load_facts
from antiphon.simulator.models import catalogue
from antiphon.simulator.structured import example
from antiphon.simulator.validate import check
from tests.context.histories import asks, header

TABLE = load_facts()


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    """An animal that is not a dog."""

    kind: Literal["cat"]
    name: Annotated[str, Field(min_length=1, pattern="^[a-z]", description="As it is called.")]


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    age: int | None = Field(None, ge=0, le=40)


class Home(BaseModel):
    model_config = ConfigDict(title="The home")

    pet: Cat | Dog = Field(discriminator="kind")
    first: Cat = Field(description="The one that came first.", title="First")
    second: Cat
    painted: Colour = Colour.RED
    since: date
    rent: Decimal = Field(default=Decimal(1), gt=0)
    rooms: Annotated[list[str], Field(min_length=1, max_length=9)]
    title: str = ""


class Node(BaseModel):
    children: list["Node"] = []


class Point(NamedTuple):
    x: int
    y: int


def schema_of(form: Any) -> dict[str, Any]:
    return TypeAdapter(form).json_schema()


def taken_by_the_api(schema: dict[str, Any]) -> None:
    """Raises what the simulator answers."""
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    body = {"max_tokens": 9, "messages": [{"role": "user", "content": "?"}], **wanted}
    for model in ("claude-sonnet-5-5", "claude-haiku-4-5"):
        check({"model": model, **body}, models=catalogue(), version="2026-10-21", betas="", counting=False)


@pytest.mark.parametrize(
    "form", [Home, Cat, list[Dog], RootModel[list[Cat]], RootModel[Cat], Colour, int | str]
)
def test_a_form_has_a_strict_one_that_the_api_takes(form: Any) -> None:
    strict = strict_form(schema_of(form))
    assert strict is not None
    taken_by_the_api(strict)
    assert json.dumps(strict_form(strict)) == json.dumps(strict)
    assert json.dumps(strict_form(schema_of(form))) == json.dumps(strict)


def test_what_is_not_enforced_is_said_and_the_rest_stays_in_its_order() -> None:
    strict = strict_form(Home.model_json_schema())
    assert strict is not None
    assert list(strict["properties"]) == list(Home.model_fields)
    assert strict["required"] == ["pet", "first", "second", "since", "rooms"]
    cat = strict["$defs"]["Cat"]
    assert cat["description"] == "An animal that is not a dog."
    assert cat["properties"]["name"] == {
        "description": 'As it is called. (minLength: 1, pattern: "^[a-z]")',
        "type": "string",
    }
    assert strict["properties"]["pet"] == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert strict["properties"]["first"]["description"] == "The one that came first."
    assert strict["properties"]["second"] == {"$ref": "#/$defs/Cat"}
    assert strict["properties"]["since"] == {"type": "string", "format": "date"}
    rooms = {"description": "(maxItems: 9)", "type": "array", "items": {"type": "string"}, "minItems": 1}
    assert strict["properties"]["rooms"] == rooms
    assert strict["properties"]["title"] == {"type": "string"}


def test_what_a_strict_form_admits_can_be_read() -> None:
    strict = strict_form(schema_of(list[Dog]))
    assert strict is not None
    assert TypeAdapter(list[Dog]).validate_python(example(strict)) == []


@pytest.mark.parametrize(
    "form",
    [
        Node,
        Point,
        Any,
        dict[str, int],
        dict[str, Any],
        list[Any],
        tuple[int, str],
        RootModel[dict[str, Cat]],
    ],
    ids=str,
)
def test_what_would_mean_something_else_has_no_strict_form(form: Any) -> None:
    assert strict_form(schema_of(form)) is None


def test_too_many_properties_to_leave_out_or_unions_have_no_strict_form() -> None:
    def of(many: int, schema: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": {f"p{number}": schema for number in range(many)}}

    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert strict_form(of(24, {"type": "string"})) is not None
    assert strict_form(of(25, {"type": "string"})) is None
    assert strict_form(of(16, either)) is not None
    assert strict_form(of(17, either)) is None


def test_several_types_are_a_union() -> None:
    schema = {"type": ["string", "null"], "minLength": 2, "description": "A name."}
    assert strict_form(schema) == {
        "description": "A name.",
        "anyOf": [{"description": "(minLength: 2)", "type": "string"}, {"type": "null"}],
    }


_LEAVES = st.sampled_from(
    [{"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": ["a", None]}, {"const": 1}, {}, True]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner)}
        ),
        st.fixed_dictionaries({"$ref": st.sampled_from(["#/$defs/a", "#/$defs/b", "#", "#/$defs/none"])}),
    ),
    max_leaves=6,
)


@given(_SCHEMAS, st.dictionaries(st.sampled_from("ab"), _SCHEMAS))
def test_any_schema_has_a_strict_form_that_the_api_takes_or_none(schema: Any, definitions: Any) -> None:
    if schema is True:
        return
    strict = strict_form({**schema, "$defs": definitions})
    if strict is not None:
        taken_by_the_api(strict)
        assert strict_form(strict) == strict


def test_a_model_without_structured_outputs_is_asked_in_words() -> None:
    table = TABLE.with_added({"mine": {"free": True}})
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    options = {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": schema}}}

    def planned(model: str) -> Any:
        request = Request(
            model=model, facts=table.get(model), options=options, limits=Limits(), lifetime=None
        )
        return plan_request(header(), [asks()], request)

    held, told = planned("claude-sonnet-5-5"), planned("mine")
    assert held.options == options
    assert told.options == {}
    assert told.messages[:-1] == held.messages[:-1]
    assert told.messages[-1]["content"][:-1] == held.messages[-1]["content"]
    assert told.messages[-1]["content"][-1]["text"] == instruction(schema)
