"""What requests under `/v1` may ask of answers, for one turn or for a conversation."""

from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from antiphon.context.parameters import LEAST_BUDGET
from antiphon.money import facts
from antiphon.server.bodies import says_something
from antiphon.service.options import THINKING, ThinkingChoice


class Body(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)


class ThinkingOption(Body):
    """`thinking` as the Messages API has it."""

    type: facts.Thinking
    display: Literal["summarized", "omitted"] | None = None
    budget_tokens: int | None = Field(None, ge=LEAST_BUDGET, description="Only with `enabled`.")


class OutputFormat(Body):
    """The answer is JSON that fits this schema."""

    type: Literal["json_schema"]
    json_schema: dict[str, Any] = Field(alias="schema")


class OutputConfig(Body):
    """`output_config` as the Messages API has it."""

    effort: facts.Effort | None = None
    format: OutputFormat | None = None


THINKING_RULE = "must be off, on or shown, or an object as the Messages API has it"


def _in_words(value: object) -> object:
    """A word as what it stands for."""
    if not isinstance(value, str):
        return value
    if (choice := THINKING.get(cast("ThinkingChoice", value))) is None:
        raise PydanticCustomError("thinking", THINKING_RULE)
    return choice


Thinking: TypeAlias = Annotated[
    ThinkingOption, BeforeValidator(_in_words, json_schema_input_type=ThinkingChoice | ThinkingOption)
]
StopSequence: TypeAlias = Annotated[str, AfterValidator(says_something), Field(min_length=1)]


class Options(Body):
    """A model that lacks what is asked for gets the nearest that it takes."""

    max_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Of the answer, with its thinking; at most what the model can."
    )
    effort: facts.Effort | None = Field(None, description="Short for `output_config.effort`.")
    thinking: Thinking | None = Field(None, description="`shown`: with a summary of it.")
    stop_sequences: list[StopSequence] | None = Field(
        None, max_length=100, description="The answer ends before the first of these."
    )
    output_config: OutputConfig | None = None

    @model_validator(mode="after")
    def _one_effort(self) -> Self:
        config = self.output_config
        if self.effort is not None and config is not None and config.effort not in (None, self.effort):
            raise PydanticCustomError("two_efforts", "names two efforts: leave one of them out")
        return self

    def given(self) -> dict[str, Any]:
        """As the Messages API spells them."""
        options = self.model_dump(by_alias=True, exclude_none=True, exclude={"effort"})
        if self.effort is not None:
            options["output_config"] = {**options.get("output_config", {}), "effort": self.effort}
        return options
