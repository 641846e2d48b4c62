"""What is neither the client's fault nor Claude's: one sentence to the client, and no words in the log."""

import asyncio
import http.client
from contextlib import closing

import pytest

from antiphon.domain.conversations import Header
from antiphon.errors import NewerData, StoreUnavailable
from antiphon.service import LOCAL_PRINCIPAL
from antiphon.settings import Settings
from antiphon.simulator import Simulator
from antiphon.stores.memory import MemoryStore
from tests.server.client import PATIENCE_S, Answer, Client
from tests.server.serving import serving

SECRET = "the words of a conversation"


class Broken(MemoryStore):
    """A store that fails from some moment on, as a disk or a network does."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.broken = True

    async def find(self, principal: str, name: str) -> Header | None:
        if self.broken:
            raise self.error
        return await super().find(principal, name)

    async def recent(self, principal: str, *, before: tuple[int, str] | None, limit: int) -> list[Header]:
        if self.broken:
            raise self.error
        return await super().recent(principal, before=before, limit=limit)


def unavailable() -> StoreUnavailable:
    return StoreUnavailable("The store cannot be reached. Nothing was stored; try again.")


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_a_store_that_cannot_be_reached_is_told_with_a_time_to_wait(simulator: Simulator, path: str) -> None:
    store = Broken(unavailable())
    with serving(Settings(), store=store) as server:
        client = Client(server.url)
        answer = client.post(path, {"session_id": "s", "message": "Hello."})
        assert (answer.status, answer.problem) == (503, "store-unavailable")
        assert answer.headers["retry-after"] == "2"
        assert client.clear().problem == "store-unavailable"
        store.broken = False
        assert client.chat("Hello.").status == 200


def test_data_of_a_newer_version_is_told_as_what_no_retry_mends(simulator: Simulator) -> None:
    newer = NewerData("This was written by a newer version of Antiphon. Install the newer version.")
    store = Broken(newer)
    with serving(Settings(), store=store) as server:
        answer = Client(server.url).chat("Hello.")
        assert (answer.status, answer.problem) == (500, "newer-data")
        assert "retry-after" not in answer.headers
        assert answer.json["detail"] == newer.detail
        assert Client(server.url).get("/readyz").problem == "newer-data"


def test_a_server_without_its_store_is_up_but_not_ready(simulator: Simulator) -> None:
    store = Broken(unavailable())
    with serving(Settings(), store=store) as server:
        client = Client(server.url)
        assert client.get("/healthz").json == {"status": "ok"}
        assert client.get("/readyz").problem == "store-unavailable"
        store.broken = False
        assert client.get("/readyz").json == {"status": "ready"}


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_a_fault_of_ours_is_one_sentence(
    simulator: Simulator, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    with serving(Settings(), store=Broken(RuntimeError(SECRET))) as server:
        client = Client(server.url)
        answer = client.post(path, {"session_id": "s", "message": "Hello."})
        assert (answer.status, answer.problem) == (500, "internal")
        assert SECRET.encode() not in answer.body
        assert b"Traceback" not in answer.body
        assert client.get("/healthz").status == 200
    logged = "".join(capfd.readouterr())
    assert "RuntimeError" in logged
    assert "test_faults.py" in logged
    assert SECRET not in logged


def test_a_client_that_hangs_up_while_sending_is_no_fault(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "1000"}
    with pytest.raises(TimeoutError), client.open("POST", "/chat", b"{", headers, patience_s=0.1):
        pass
    assert client.get("/healthz").status == 200
    assert "fault" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("path", "size", "told"),
    [
        ("/chat", 1000, "stopping"),
        ("/v1/conversations", 1000, "stopping"),
        ("/v1/files", 1000, "stopping"),
        ("/chat", 100_000_000, "too-large"),
    ],
)
def test_who_still_sends_when_the_server_stops_is_told(
    simulator: Simulator, capfd: pytest.CaptureFixture[str], path: str, size: int, told: str
) -> None:
    store = MemoryStore()
    with serving(Settings(), store=store) as server:
        client = Client(server.url)
        connection = http.client.HTTPConnection(client.authority, timeout=PATIENCE_S)
        sent = {"Content-Type": "application/json", "Content-Length": str(size)}
        connection.request("POST", path, b"{", sent)
        client.get("/healthz")  # what came before it is read by then
        server.stop()
        with closing(connection), connection.getresponse() as response:
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, headers, response.read())
    assert answer.problem == told
    assert headers["connection"] == "close"
    assert asyncio.run(store.recent(LOCAL_PRINCIPAL, before=None, limit=1)) == []
    logged = "".join(capfd.readouterr())
    assert "Traceback" not in logged
    assert "fault" not in logged
