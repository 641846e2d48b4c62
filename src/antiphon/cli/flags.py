"""Flags that commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from antiphon.money import facts as money
from antiphon.service.options import ThinkingChoice

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
Effort: TypeAlias = Annotated[
    money.Effort | None,
    typer.Option(help="How much work an answer is worth; absent, as the model does.", show_default=False),
]
Thinking: TypeAlias = Annotated[
    ThinkingChoice | None,
    typer.Option(
        help="Whether Claude thinks before it answers; `shown`: with a summary of it to read, apart from the "
        "answer.",
        show_default=False,
    ),
]
Stop: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="The answer ends before this text; can be given again.", show_default=False
    ),
]
MaxTokens: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="The most tokens that an answer may have.", show_default=False)
]
Attach: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--attach",
        "-a",
        metavar="FILE",
        help="An image, a PDF or a text to go with the message; may be given several times.",
        show_default=False,
    ),
]
Cite: TypeAlias = Annotated[
    bool, typer.Option("--cite", help="Let Claude name the places in attached documents that it relies on.")
]
