"""Every example of the README and the guides runs, and prints what the page says it prints."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon.model.local.weights import models_folder
from antiphon.simulator.server import running
from tests.docs.pages import OUTPUT, RUN, Example, Output, Section, pages, sections
from tests.docs.reader import Reader

SECTIONS = [section for page in pages() for section in sections(page) if section.examples]
EXAMPLES = [example for section in SECTIONS for example in section.examples]

FOUND_BY_NAME = ("antiphon.toml", "conftest.py")
"""Files that need not be named to be used."""

_BETWEEN_TEXTS = re.compile(r'"}\n\ndata: {"text": "')
_TIME = re.compile(r"(?<= in )\d+\.\d+s\b")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.where)
def test_the_examples_of_a_section_do_what_they_say(section: Section, tmp_path: Path) -> None:
    with running() as simulator, Reader(tmp_path, environment(simulator.url)) as reader:
        for example in section.examples:
            if example.not_run is None:
                printed = reader.follow(example)
                if example.output is not None:
                    assert told(printed, example.output) == told(example.output.text, example.output), (
                        example.where
                    )
        reader.finish()


def test_every_example_runs_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    left = [example.where for example in EXAMPLES if not is_run(example) and example.not_run is None]
    assert left == [], "neither run, nor saved as a file, nor marked with <!-- not run: reason -->"
    ran = [example for example in EXAMPLES if example.not_run is None]
    skipped = [example for example in EXAMPLES if example.not_run is not None]
    compared = [example for example in ran if example.output is not None]
    with capsys.disabled():
        sys.stderr.write(f"\nexamples: {len(ran)} run, {len(compared)} of them compared with their page\n")
        sys.stderr.writelines(f"  {example.where} not run: {example.not_run}\n" for example in skipped)
    assert len(compared) >= len(skipped)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.where)
def test_every_file_of_a_section_is_used_after_it(section: Section) -> None:
    for index, example in enumerate(section.examples):
        if (name := example.file_name) is None:
            continue
        later = "\n".join(after.code for after in section.examples[index + 1 :])
        assert name in FOUND_BY_NAME or Path(name).stem in later, f"{example.where} is never run"


def is_run(example: Example) -> bool:
    return example.file_name is not None or (example.language in RUN and example.language not in OUTPUT)


def environment(simulator_url: str) -> dict[str, str]:
    """That of this machine, with an account at the simulator; downloads are not repeated."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ANTHROPIC_"))},
        "XDG_CACHE_HOME": str(models_folder(os.environ).parents[1]),
        "ANTHROPIC_BASE_URL": simulator_url,
        "ANTHROPIC_API_KEY": "key-of-a-reader",
    }


def told(text: str, output: Output) -> Any:
    """What is compared: ids and times differ from run to run, a stream's text may come in any number of
    frames, and the layout of JSON does not matter.
    """
    same = _BETWEEN_TEXTS.sub("", _ID.sub("<id>", _TIME.sub("<time>", text))).strip()
    if output.language == "json":
        return json.loads(same)
    return [line.rstrip() for line in same.splitlines()]
