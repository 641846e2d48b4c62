"""A model that reads text alone is sent a picture."""

from contextlib import aclosing
from pathlib import Path

import pytest

from antiphon.bootstrap import open_service
from antiphon.cli.dialogue import Dialogue
from antiphon.cli.interrupts import Interrupts
from antiphon.cli.opening import Choice, Flags
from antiphon.cli.sheets import NoSheet
from antiphon.model.local.upstream import LocalUpstream
from antiphon.settings import Settings
from tests.samples import png


async def test_an_image_it_cannot_see_is_told_and_the_rest_is_answered(
    smollm2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, notes = tmp_path / "a.png", tmp_path / "notes.txt"
    image.write_bytes(png())
    notes.write_text("The house is red.")
    settings = Settings(store="memory://", model="local", max_tokens=8)
    service = await open_service(settings, upstream=LocalUpstream(folder=smollm2.parent))
    dialogue = Dialogue(service, Flags(), Choice(settings, stand_in=False))
    async with aclosing(dialogue):
        await dialogue.attach(notes)
        assert capsys.readouterr().err == ""
        await dialogue.attach(image)
        told = "The local model reads text alone: of a.png it is told only that it is there.\n"
        assert capsys.readouterr().err == told
        answer = await dialogue.say("Which colour?", NoSheet(), Interrupts())
    assert answer.turn.status == "completed"
    assert answer.text
