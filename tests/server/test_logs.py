"""The log: JSON lines on stderr that hold neither words of a conversation nor keys."""

import json
import logging
from typing import Any

import pytest
import structlog

from antiphon.telemetry import configure_logging

pytestmark = pytest.mark.usefixtures("quiet_log")

SECRET = "the words of a conversation"


def logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capfd.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_an_event_is_one_line_with_its_facts(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    structlog.get_logger().info("turn_left", turn_id="t\n1")
    structlog.get_logger().debug("not_told")
    [line] = logged(capfd)
    assert line["event"] == "turn_left"
    assert line["turn_id"] == "t\n1"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_told_without_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    for log in (structlog.get_logger(), logging.getLogger("some.library")):
        try:
            fail()
        except RuntimeError:
            log.exception("fault")
    for line in logged(capfd):
        assert line["event"] == "fault"
        assert line["error"] == "RuntimeError"
        assert line["caused_by"] == "ValueError"
        assert any("fail" in place for place in line["at"])
        assert SECRET not in json.dumps(line)


def fail() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


def test_other_libraries_are_heard_when_they_warn(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logging.getLogger("some.library").info("All is well.")
    logging.getLogger("some.library").warning("Mind the %s.", "gap")
    [line] = logged(capfd)
    assert (line["event"], line["logger"], line["level"]) == ("Mind the gap.", "some.library", "warning")


@pytest.mark.parametrize("secret", ["sk-ant-api03-abcdef_123", "Bearer abc.def.ghi", "bearer sk-xyzabc"])
def test_what_looks_like_a_key_is_hidden(capfd: pytest.CaptureFixture[str], secret: str) -> None:
    configure_logging()
    structlog.get_logger().warning("refused", header=f"Authorization: {secret}")
    logging.getLogger("some.library").warning("Sent %s", secret)
    for line in logged(capfd):
        assert "[hidden]" in json.dumps(line)
        assert secret.rsplit(maxsplit=1)[-1] not in json.dumps(line)
