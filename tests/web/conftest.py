"""The built page in a real Chromium, served by a real server, with a simulated Claude behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from antiphon.server.page import BUILT
from antiphon.simulator import Simulator, running
from tests.browsing import chromium
from tests.web.site import SimulatedSite
from tests.web.visitor import PATIENCE_MS, Visitor, new_context


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedSite]:
    assert (BUILT / "index.html").exists(), "the page is not built: run `make page`"
    with running() as simulator:
        site = SimulatedSite(simulator, tmp_path_factory.mktemp("site"))
        site.start()
        yield site
        site.stop()


@pytest.fixture
def site(one_site: SimulatedSite) -> Iterator[SimulatedSite]:
    one_site.simulator.forget()
    yield one_site
    one_site.simulator.release()


@pytest.fixture
def simulator(site: SimulatedSite) -> Simulator:
    return site.simulator


@pytest.fixture
def visitor(browser: Browser, site: SimulatedSite) -> Iterator[Visitor]:
    """A person who has just come. Nothing may be complained of while they are there."""
    context = new_context(browser)
    visitor = Visitor(site, context)
    visitor.open()
    yield visitor
    context.close()
    assert visitor.complaints == []


@pytest.fixture
def other(visitor: Visitor) -> Iterator[Visitor]:
    """The same person in a second tab."""
    other = Visitor(visitor.site, visitor.context)
    yield other
    assert other.complaints == []


@pytest.fixture
def picture() -> bytes:
    return (Path(__file__).parent / "dot.png").read_bytes()
