"""`antiphon history`: what was said, found again; and moved, or removed. Nothing is asked of Claude here."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from antiphon.bootstrap import make_store
from antiphon.cli.exits import exit_of, say_problem
from antiphon.cli.flags import Store as StoreFlag
from antiphon.clock import SystemClock, milliseconds
from antiphon.domain.conversations import Header
from antiphon.domain.files import attached_names
from antiphon.domain.ids import new_id
from antiphon.domain.messages import Block, text_of
from antiphon.domain.problems import problem_of
from antiphon.errors import AntiphonError, InvalidRequest
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.service.attaching import Attaching
from antiphon.service.portable import export_from, files_from, imported
from antiphon.settings import read_settings, with_lasting_store
from antiphon.stores.base import Store

history_app = typer.Typer(help="Conversations that are kept, without asking Claude.", no_args_is_help=True)

T = TypeVar("T")
Conversation = Annotated[
    str, typer.Argument(help="An id, the beginning or end of one, or the name of a session.")
]
Most = Annotated[int, typer.Option(min=1, max=200, help="How many at most.")]


@history_app.command("list")
def list_(limit: Most = 20, store: StoreFlag = None) -> None:
    """List conversations, the one that changed last first."""
    for header in _run(store, lambda kept: kept.recent(LOCAL_PRINCIPAL, before=None, limit=limit)):
        print(f"{header.id}  {_day(header.updated_at)}  {header.title or '(untitled)'}")


@history_app.command()
def show(conversation: Conversation, store: StoreFlag = None) -> None:
    """Show what was said, from the first message to the last."""

    async def read(kept: Store) -> list[tuple[str, str]]:
        header = await _find(kept, conversation)
        path = await kept.path(header.id, header.head)
        return [(placed.message.role, _said(placed.message.content)) for placed in path]

    for role, text in _run(store, read):
        print(f"{'You' if role == 'user' else 'Claude'}: {text}\n")


@history_app.command()
def search(words: list[str], limit: Most = 20, store: StoreFlag = None) -> None:
    """Find messages that have all these words, newest first."""
    for hit in _run(store, lambda kept: kept.search(LOCAL_PRINCIPAL, " ".join(words), limit=limit)):
        print(f"{hit.conversation_id}  {_day(hit.at)}  {' '.join(hit.snippet.split())}")


@history_app.command()
def export(conversation: Conversation, store: StoreFlag = None) -> None:
    """Print a conversation, with all its branches, as JSON."""

    async def read(kept: Store) -> dict[str, Any]:
        header = await _find(kept, conversation)
        return await export_from(kept, header)

    print(json.dumps(_run(store, read), ensure_ascii=False))


@history_app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="An exported conversation; default stdin.")] = None,
    store: StoreFlag = None,
) -> None:
    """Read an exported conversation in, under a new id, which is printed."""

    async def write(kept: Store) -> str:
        conversation_id = new_id()
        document = _document(file)
        files = await files_from(document, Attaching(kept), LOCAL_PRINCIPAL)
        create, change = imported(document, conversation_id, milliseconds(SystemClock()), files)
        await kept.create(LOCAL_PRINCIPAL, conversation_id, create)
        await kept.append(conversation_id, change)
        return conversation_id

    print(_run(store, write))


@history_app.command()
def delete(conversation: Conversation, store: StoreFlag = None) -> None:
    """Remove a conversation for good. What it cost stays in the ledger."""

    async def remove(kept: Store) -> str:
        header = await _find(kept, conversation)
        await kept.delete(LOCAL_PRINCIPAL, header.id)
        return header.id

    print(f"{_run(store, remove)} is deleted.")


def _run(store: str | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do it on the store that is in force; what fails is one sentence and an exit code."""

    async def do() -> T:
        async with _opened(store) as kept:
            return await work(kept)

    try:
        return asyncio.run(do())
    except AntiphonError as error:
        say_problem(problem_of(error), json=False)
        raise typer.Exit(exit_of(error)) from None


@asynccontextmanager
async def _opened(store: str | None) -> AsyncGenerator[Store, None]:
    kept = make_store(with_lasting_store(read_settings(store=store)))
    await kept.open()
    try:
        yield kept
    finally:
        await kept.close()


async def _find(kept: Store, named: str) -> Header:
    """By its id, its name, or what its id begins or ends with, if that is one of the newest 200."""
    if (header := await kept.find(LOCAL_PRINCIPAL, named)) is not None:
        return header
    newest = await kept.recent(LOCAL_PRINCIPAL, before=None, limit=200)
    alike = [header for header in newest if len(named) >= 4 and _fits(header.id, named)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise InvalidRequest(f"{len(alike)} conversations fit {named}; give more of the id.")
    return await kept.get(LOCAL_PRINCIPAL, named)


def _fits(conversation_id: str, named: str) -> bool:
    return conversation_id.startswith(named) or conversation_id.endswith(named)


def _said(content: Sequence[Block]) -> str:
    """The text of a message, after the names of its files."""
    return " ".join([*(f"[{name}]" for name in attached_names(content)), text_of(content)])


def _document(file: Path | None) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8") if file else sys.stdin.read())
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"This cannot be read as an exported conversation: {error}.") from None


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
