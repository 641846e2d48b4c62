"""Claude is asked only by those who can sign in, and they are told how."""

import re
from pathlib import Path

import pytest

from antiphon.errors import ConfigurationError, MissingCredentials, UpstreamAuth
from antiphon.model.client import ClaudeUpstream
from antiphon.model.credentials import has_credentials
from tests.model.canned import BEGIN, END, FINISH, chunk, head
from tests.model.conftest import Listener, sign_in
from tests.model.player import Player


@pytest.mark.usefixtures("no_profile")
def test_without_credentials_one_sentence_says_what_to_set() -> None:
    with pytest.raises(
        MissingCredentials, match=r"^There are no credentials for Claude: set ANTHROPIC_API_KEY"
    ):
        ClaudeUpstream()
    assert not has_credentials()


@pytest.mark.usefixtures("no_profile")
@pytest.mark.parametrize(
    "variables",
    [
        {"ANTHROPIC_API_KEY": "k"},
        {"ANTHROPIC_AUTH_TOKEN": "t"},
        {"ANTHROPIC_CUSTOM_HEADERS": "X-Api-Key: k"},
        {
            "ANTHROPIC_IDENTITY_TOKEN": "jwt",
            "ANTHROPIC_FEDERATION_RULE_ID": "rule",
            "ANTHROPIC_ORGANIZATION_ID": "org",
        },
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_the_environment_signs_in(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_credentials()


@pytest.mark.usefixtures("no_profile")
@pytest.mark.parametrize("empty", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_an_empty_variable_does_not_sign_in(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv(empty, "")
    assert not has_credentials(api_key="")


def test_a_profile_on_disk_signs_in(no_profile: Path) -> None:
    sign_in(no_profile)
    assert has_credentials()


def test_a_profile_by_name_signs_in(no_profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(no_profile, "work")
    assert not has_credentials()
    monkeypatch.setenv("ANTHROPIC_PROFILE", "work")
    assert has_credentials()


@pytest.mark.usefixtures("no_profile")
def test_a_profile_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_PROFILE", "work")
    with pytest.raises(MissingCredentials, match=r"work.*set ANTHROPIC_API_KEY"):
        ClaudeUpstream()


async def test_an_argument_wins_over_the_environment(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "of-the-environment")
    player.plays(head(), chunk(BEGIN + FINISH), END)
    claude = ClaudeUpstream(api_key="of-the-argument", base_url=player.url)
    await Listener(claude).hear()
    await claude.close()
    assert player.requests[0].headers["authorization"] == "Bearer of-the-argument"


async def test_a_profile_signs_requests(no_profile: Path, player: Player) -> None:
    sign_in(no_profile)
    player.plays(head(), chunk(BEGIN + FINISH), END)
    claude = ClaudeUpstream(base_url=player.url)
    await Listener(claude).hear()
    await claude.close()
    assert player.requests[0].headers["authorization"] == "Bearer token-of-the-profile"


async def test_credentials_that_are_gone_are_an_error_of_ours(player: Player, claude: ClaudeUpstream) -> None:
    claude._connection()[0].api_key = None
    player.plays(head(), chunk(BEGIN + FINISH), END)
    with pytest.raises(UpstreamAuth, match="set ANTHROPIC_API_KEY") as caught:
        await Listener(claude).hear()
    assert caught.value.facts == {"began": False, "sent": False}
    assert player.requests == []


async def test_a_profile_that_is_used_up_is_an_error_of_ours(no_profile: Path, player: Player) -> None:
    sign_in(no_profile)
    claude = ClaudeUpstream(base_url=player.url)
    (no_profile / "credentials" / "default.json").unlink()
    with pytest.raises(UpstreamAuth, match="could not be used") as caught:
        await Listener(claude).hear()
    assert caught.value.facts == {"began": False, "sent": False}


@pytest.mark.parametrize(
    "address",
    ["ftp://127.0.0.1", "127.0.0.1:8000", "http://", "http://[::1", "http://127.0.0.1:99999"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an http or https URL"):
        ClaudeUpstream(api_key="k", base_url=address)


def test_of_an_address_that_is_none_all_is_told_but_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "ftp://user:pass@word@example.org/v1")
    with pytest.raises(ConfigurationError, match=r"“ftp://example\.org/v1") as caught:
        ClaudeUpstream(api_key="k")
    assert "word" not in str(caught.value)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://[::1")
    with pytest.raises(ConfigurationError, match=re.escape("“http://[::1”")):
        ClaudeUpstream(api_key="k")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:s3cret/x@proxy:8080", "https://proxy:8080"),
        ("https://user:s3cret?x@proxy:80x", "https://proxy:80x"),
        ("http://user:s3cret#x@host:99999999", "http://host:99999999"),
        ("ftp://user:s3cret?x=/@host", "ftp://host"),
        ("ftp://user:s3cret#@host", "ftp://host"),
        ("ftp://user:a@s3cret/@host", "ftp://host"),
        ("https://us er:s3cret\\@host:99x", "https://host:99x"),
        ("user:s3cret@host:99x", "host:99x"),
        ("user:s3cret@host", "host"),
        ("//user:s3cret@host", "//host"),
        ("https:user:s3cret@host:9x", "https:host:9x"),
        ("HTTP:/user:s3cret@host", "http:/host"),
    ],
)
def test_a_password_is_not_told_however_wrong_its_address_is(address: str, shown: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"“{re.escape(shown)}/?”") as caught:
        ClaudeUpstream(api_key="k", base_url=address)
    assert "s3cret" not in str(caught.value)


async def test_a_proxy_is_not_asked_for_what_runs_here(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    player.plays(head(), chunk(BEGIN + FINISH), END)
    claude = ClaudeUpstream(api_key="k", base_url=player.url)
    assert await Listener(claude).hear()
    await claude.close()
