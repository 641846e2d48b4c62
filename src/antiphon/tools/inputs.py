"""From a function's signature and docstring to the schema of its input; from an input to its arguments."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from antiphon.errors import ConfigurationError, ToolError

FAULTS_MAX = 5
"""Of a bad input, as many are told at once."""

_VARIADIC = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What Claude is told of a function, and the model that its input is checked by."""

    description: str
    schema: dict[str, Any]
    model: type[BaseModel]
    names: tuple[str, ...]
    """Parameters, in the order of the model's fields."""

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The function's keyword arguments. Raises ToolError: the input does not fit, and why."""
        try:
            checked = self.model.model_validate(given)
        except ValidationError as error:
            raise ToolError(_wrong(error)) from None
        return {
            name: getattr(checked, field)
            for name, field in zip(self.names, type(checked).model_fields, strict=True)
            if field in checked.model_fields_set
        }


def read_signature(function: Callable[..., Any], name: str, description: str | None = None) -> Signature:
    """Raises ConfigurationError: something is missing that Claude or the check of an input needs."""
    docstring = docstring_parser.parse(inspect.getdoc(function) or "")
    told = (description or docstring.description or "").strip()
    if not told:
        raise ConfigurationError(
            f"Tool {name} has no docstring. Write what it does and when to use it: Claude chooses by that."
        )
    if description is None and docstring.returns and docstring.returns.description:
        told += f"\n\nReturns: {docstring.returns.description}"
    parameters = inspect.signature(function).parameters
    about = {each.arg_name: each.description for each in docstring.params if each.description}
    model = _model(name, parameters, _types(function, name), about)
    return Signature(told, _schema(model, name), model, tuple(parameters))


def _types(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"The types of tool {name} cannot be read: {error}.") from None


def _model(
    name: str, parameters: Mapping[str, inspect.Parameter], types: Mapping[str, Any], about: Mapping[str, str]
) -> type[BaseModel]:
    """Fields have names of their own, so that a parameter may have any name."""
    fields: dict[str, Any] = {}
    for number, (parameter, facts) in enumerate(parameters.items()):
        if facts.kind in _VARIADIC:
            raise ConfigurationError(
                f"Tool {name} takes {parameter} without a name: Claude gives every argument by its name."
            )
        if parameter not in types:
            raise ConfigurationError(
                f"Parameter {parameter} of tool {name} has no type: an input is checked by it."
            )
        more: dict[str, Any] = {"description": about[parameter]} if parameter in about else {}
        if facts.default is not inspect.Parameter.empty:
            more["default"] = facts.default
        fields[f"parameter_{number}"] = (types[parameter], Field(alias=parameter, **more))
    try:
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticUserError, TypeError) as error:
        raise ConfigurationError(f"An input of tool {name} cannot be checked: {_first_line(error)}") from None


def _schema(model: type[BaseModel], name: str) -> dict[str, Any]:
    try:
        return dict(_untitled(model.model_json_schema()))
    except PydanticUserError as error:
        raise ConfigurationError(f"Tool {name} has no JSON schema: {_first_line(error)}") from None


_BY_NAME = ("properties", "$defs", "patternProperties")
"""Keywords that hold schemas by names, of which one may be `title`."""
_VALUES = ("default", "enum", "const", "examples")
"""Keywords that hold no schemas."""


def _untitled(schema: Any) -> Any:
    """Without titles: they say again what the names say, and are paid for with every request."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(each) for name, each in value.items()}
        if key in _BY_NAME
        else value
        if key in _VALUES
        else _untitled(value)
        for key, value in schema.items()
        if key != "title"
    }


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _wrong(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(str(part) for part in fault['loc']) or 'input'}: {fault['msg']}" for fault in faults]
    more = f" and {len(told) - FAULTS_MAX} more" if len(told) > FAULTS_MAX else ""
    return f"The input is wrong, so nothing was run. {'; '.join(told[:FAULTS_MAX])}{more}."
