"""The six ways to ask, and what a person sees of each."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from antiphon import Chat
from antiphon.errors import AnswerError
from tests.cli.conftest import PROGRAM, WITHIN_S
from tests.crossing.world import Terms, World
from tests.preloaded.starting import Popen
from tests.server.client import Answer
from tests.server.v1.api import Api, events_of


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is before a person when all is over."""

    text: str
    """Of the answer, as it stands there: with all that cannot be taken back."""
    sign: object
    """How it ended, as a program reads it: a status, an exception's class, an exit code, the last frame."""
    sentence: str = ""
    """Why, for people."""
    everything: str = ""
    """All that came, for what must be in none of it."""


class Face(Protocol):
    takes_back: bool
    """Whether what was shown can be replaced by another attempt."""
    keeps: bool
    """Whether what was shown of an answer that broke stays in the history."""
    conversation_id: str | None
    """None where it has a name instead."""

    def ask(self, text: str) -> Seen: ...

    def ask_on(self, text: str) -> str:
        """The answer to the next message of the same conversation."""
        ...

    def close(self) -> None: ...


class Library:
    """`Chat`, a new one for each conversation."""

    conversation_id: str | None = None

    def __init__(self, world: World, terms: Terms, name: str) -> None:
        with world.signed_in(terms):
            self._chat = Chat(store=world.store, session_id=name, tools=[forecast, "web_search"])

    def ask_on(self, text: str) -> str:
        return str(self._chat.send(text))

    def close(self) -> None:
        self._chat.close()


def forecast(city: str, day: str = "today") -> str:
    """What the weather will be.

    Args:
        city: where.
        day: when.
    """
    return f"{city}, {day}: rain"


class Send(Library):
    takes_back, keeps = True, False

    def ask(self, text: str) -> Seen:
        try:
            reply = self._chat.send(text)
        except AnswerError as error:
            return _raised(error, getattr(error, "partial", ""))
        return Seen(text=reply.text, sign=reply.stop_reason)


class Stream(Library):
    takes_back, keeps = False, True

    def ask(self, text: str) -> Seen:
        shown = ""
        try:
            for piece in self._chat.stream(text):
                shown += piece
        except AnswerError as error:
            return _raised(error, shown)
        return Seen(text=shown, sign="ended")


def _raised(error: AnswerError, shown: str) -> Seen:
    everything = f"{error} {error.facts}"
    return Seen(text=shown, sign=type(error).__name__, sentence=str(error), everything=everything)


class Served:
    conversation_id: str | None = None

    def __init__(self, world: World, terms: Terms, name: str) -> None:
        self._client = world.server(terms)
        self._name = name

    def ask_on(self, text: str) -> str:
        return str(self._client.chat(text, self._name).json["response"])

    def close(self) -> None:
        pass


class PostChat(Served):
    takes_back, keeps = True, False

    def ask(self, text: str) -> Seen:
        answer = self._client.chat(text, self._name)
        told = answer.json
        if answer.status != 200:
            sign = (answer.status, answer.problem)
            return Seen(text="", sign=sign, sentence=told["detail"], everything=_all(answer))
        return Seen(text=told["response"], sign=(200, told["stop_reason"]), everything=_all(answer))


class PostStream(Served):
    takes_back, keeps = False, True

    def ask(self, text: str) -> Seen:
        answer = self._client.stream(text, self._name)
        assert answer.status == 200
        *shown, last = [frame for frame in answer.frames if not isinstance(frame, str)]
        assert all(frame.keys() == {"text"} for frame in shown), "there is one last frame"
        if "error" in last:
            error = last["error"]
            sign = ("error", error["type"].removeprefix("/problems/"))
            return Seen(text=answer.text, sign=sign, sentence=error["detail"], everything=_all(answer))
        return Seen(text=answer.text, sign=("done", last["stop_reason"]), everything=_all(answer))


class V1(Served):
    """The events of the turn itself, put together as a page does: a further attempt takes the place of the
    one before it, and a refusal the place of what was said.
    """

    takes_back, keeps = True, True

    def __init__(self, world: World, terms: Terms, name: str) -> None:
        super().__init__(world, terms, name)
        self._api = Api(self._client)
        self._id = self._api.conversation(title=name)
        self.conversation_id = self._id

    def ask_on(self, text: str) -> str:
        return self.ask(text).text

    def ask(self, text: str) -> Seen:
        answer = self._api.post_turn(self._id, {"content": text}, Accept="text/event-stream")
        events = [event for event in events_of(answer) if event.type != ":"]
        steps: dict[int, str] = {}
        stop_reason = None
        for event in events:
            match event.type:
                case "step_start":
                    steps[event.data["step"]] = ""
                case "block_delta" if event.data["delta"]["type"] == "text_delta":
                    steps[event.data["step"]] += event.data["delta"]["text"]
                case "step_end":
                    stop_reason = event.data["stop_reason"]
                case _:
                    pass
        assert events[-1].type == "turn_end"
        end = events[-1].data
        status, error = end["status"], end.get("error") or {}
        said = "".join(steps[step] for step in sorted(steps))
        return Seen(
            text=error["detail"] if status == "refused" else said,
            sign=(status, stop_reason if status in ("completed", "refused") else error.get("name")),
            sentence=error.get("detail", ""),
            everything=_all(answer),
        )


class Ask:
    """`antiphon ask` in a pipe."""

    takes_back, keeps = False, True
    conversation_id: str | None = None

    def __init__(self, world: World, terms: Terms, name: str) -> None:
        self._world = world
        self._environment = world.shell_environment(terms)
        self._name = name

    def ask_on(self, text: str) -> str:
        """Over HTTP: a further process would show nothing new, and all faces share their conversations."""
        served = self._world.server(Terms("none", stalls=False))
        return str(served.chat(text, self._name).json["response"])

    def close(self) -> None:
        pass

    def ask(self, text: str) -> Seen:
        with Popen(
            [*PROGRAM, "ask", "--session", self._name, text],
            cwd=self._world.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=WITHIN_S)
            finally:
                process.kill()
        assert err.count("\n") == bool(process.returncode), err
        assert out == "" or out.endswith("\n")
        return Seen(
            text=out.removesuffix("\n"),
            sign=process.returncode,
            sentence=err.removesuffix("\n"),
            everything=out + err,
        )


def _all(answer: Answer) -> str:
    return answer.body.decode() + json.dumps(answer.headers)


MakeFace: TypeAlias = Callable[[World, Terms, str], Face]

FACES: Mapping[str, MakeFace] = {
    "Chat.send": Send,
    "Chat.stream": Stream,
    "POST chat": PostChat,
    "POST chat/stream": PostStream,
    "v1": V1,
    "antiphon ask": Ask,
}
