"""What must not be in the files of this project, each with its reason.

The patterns are built from parts, so that this file holds none of them.
"""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def product_files() -> list[Path]:
    """What git tracks, and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return [path for name in names if (path := ROOT / name).is_file()]


FILES = product_files()


def named(*suffixes: str, under: str = "") -> list[Path]:
    return [path for path in FILES if path.suffix in suffixes and path.is_relative_to(ROOT / under)]


def text_of(path: Path) -> str:
    """The text of a file; nothing for one that is not text."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode()


def found(pattern: str, paths: list[Path]) -> list[str]:
    """Each line that matches, as `path:line: text`."""
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if wanted.search(line)
    ]


def either(*words: tuple[str, ...]) -> str:
    """A pattern of any of these words, each given in parts."""
    return "|".join(re.escape("".join(parts)) for parts in words)


SPOKEN = named(".md", ".py", ".ts", ".tsx", ".css", ".html", ".toml", ".yml", ".yaml", ".sh", "")
CODE = named(".py", ".ts", ".tsx", ".js", ".css")
TESTS = named(".py", under="tests")

REFUSED = {
    "a reader has no list of issues: say what is meant": (
        r"(?i)\b(?:later |next |this |issue )" + r"issue\b|\bissues? #?\d",
        SPOKEN,
    ),
    "a number of an issue means nothing to a reader": (
        r"(?<![\w&/#])(?<!\]\()#\d{1,4}\b(?![\w;-])",
        named(".md"),
    ),
    "not part of the project": (r"(?<![\w./@-])" + either(("sha", "red/")), FILES),
    "notes that are not part of the project": (either(("claude-", "api.md"), ("interfaces", ".md")), FILES),
    "a path of one machine": (r"(?<![\w.])/(?:" + either(("wo", "rk"), ("ro", "ot")) + ")/", FILES),
    "whoever installs uses the index that is set up there": (
        either(
            ("py", "pi.org"),
            ("files.python", "hosted.org"),
            ("registry.", "npmjs"),
            ("registry.", "yarnpkg"),
            ("deb.", "debian.org"),
            ("crates", ".io"),
            ("proxy.", "golang.org"),
        ),
        FILES,
    ),
    "finish it, or file it": (
        r"\b(?:" + either(("TO", "DO"), ("FIX", "ME"), ("raise NotImplemented", "Error")) + r")\b",
        CODE,
    ),
    "a test that is left out proves nothing": (
        r"\b(?:pytest|mark)\.(?:" + either(("sk", "ip"), ("xf", "ail")) + ")|" + either(("import", "orskip")),
        TESTS,
    ),
    "wait for what is meant to happen, with a bound": (either(("time.", "sleep(")), TESTS),
    "a fake at the seam, not a mock inside": (
        r"\b(?:"
        + either(("unittest", ".mock"), ("unittest ", "import mock"), ("Magic", "Mock"), ("Async", "Mock"))
        + ")",
        TESTS,
    ),
    "say what is caught": (r"^\s*" + either(("exc", "ept:")), named(".py")),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_no_file_holds(reason: str) -> None:
    pattern, paths = REFUSED[reason]
    assert paths
    assert found(pattern, paths) == []


EXAMPLES = {
    "a reader has no list of issues: say what is meant": [
        "in a later iss" + "ue",
        "see iss" + "ue 3",
        "iss" + "ue #12",
    ],
    "a number of an issue means nothing to a reader": ["as in #" + "12", "#" + "7: fixed", "(#" + "12)"],
    "not part of the project": ["see sha" + "red/notes", "`sha" + "red/x`"],
    "notes that are not part of the project": ["claude-" + "api.md section 1"],
    "a path of one machine": ["/wo" + "rk/main", "cd /ro" + "ot/x"],
    "whoever installs uses the index that is set up there": ["https://py" + "pi.org/simple"],
    "finish it, or file it": ["# TO" + "DO: more", "raise NotImplemented" + "Error"],
    "a test that is left out proves nothing": [
        "pytest.sk" + "ip()",
        "@pytest.mark.sk" + "ipif(True)",
        "mark.xf" + "ail",
    ],
    "wait for what is meant to happen, with a bound": ["time." + "sleep(1)"],
    "a fake at the seam, not a mock inside": ["from unittest " + "import mock", "Magic" + "Mock()"],
    "say what is caught": ["    exc" + "ept:"],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_the_pattern_knows_what_it_looks_for(reason: str) -> None:
    pattern, _ = REFUSED[reason]
    assert [example for example in EXAMPLES[reason] if not re.search(pattern, example)] == []


def test_locks_name_no_index_and_every_requirement_has_a_hash() -> None:
    locks = named(".txt", under="requirements")
    assert locks
    for path in locks:
        text = text_of(path)
        assert not re.search(
            r"https?:|^\s*-[-a-z]+ ?url|^-i |--find-links|--trusted-host| @ ", text, re.MULTILINE
        ), path
        requirements = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))
        for line in filter(None, map(str.strip, requirements.splitlines())):
            assert re.match(r"[A-Za-z0-9._-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), (
                f"{path.name}: {line[:60]}"
            )


def test_locks_of_the_page_name_no_host_and_every_package_has_a_hash() -> None:
    for path in (path for path in FILES if path.name == "package-lock.json"):
        packages = json.loads(text_of(path))["packages"]
        for name, package in packages.items():
            assert "resolved" not in package, f"{name}: {package['resolved']}"
            assert not name or package.get("link") or package.get("integrity"), name


def test_there_is_no_lock_that_records_hosts() -> None:
    assert [
        path.name for path in FILES if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock")
    ] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file, as `path:line name`, and how many lines it has."""
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


SOURCES = [path for path in named(".py", under="src") if "versions" not in path.parts]
"""Without migrations: those are lists that Alembic writes."""


def test_no_file_is_too_long_to_hold_one_thing() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(text_of(path).splitlines()) for path in named(".py", under="src")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    lengths = dict(each for path in SOURCES for each in functions(path))
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
