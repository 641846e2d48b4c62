"""Flags that commands share."""

from typing import Annotated, TypeAlias

import typer

Model: TypeAlias = Annotated[
    str | None, typer.Option(help="Who answers: a Claude model, or `local`.", show_default=False)
]
System: TypeAlias = Annotated[
    str | None, typer.Option(help="The system prompt, from the next message on.", show_default=False)
]
Session: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Go on with the conversation of this name, or start it.", show_default=False
    ),
]
Store: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where conversations are kept: `sqlite:///PATH` or `memory://`; default a database in your data "
        "folder.",
        show_default=False,
    ),
]
MaxTokens: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="The most tokens that an answer may have.", show_default=False)
]
