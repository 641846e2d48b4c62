"""What a page points to is there."""

import pytest

from tests.docs.pages import ROOT, anchor, headings, links, pages

PAGES = pages()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_project_leads_somewhere(page: str) -> None:
    broken = [target for target in links(page) if not leads_somewhere(page, target)]
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_every_page_can_be_reached_from_the_readme(page: str) -> None:
    assert page in reached("README.md", set())


def leads_somewhere(page: str, target: str) -> bool:
    if "://" in target:
        return target.startswith("https://")
    path, _, fragment = target.partition("#")
    found = (ROOT / page).parent / path if path else ROOT / page
    if not found.exists():
        return False
    return not fragment or fragment in [
        anchor(heading) for heading in headings(str(found.resolve().relative_to(ROOT)))
    ]


def reached(page: str, seen: set[str]) -> set[str]:
    seen.add(page)
    for target in links(page):
        if "://" not in target and target.partition("#")[0].endswith(".md"):
            found = ((ROOT / page).parent / target.partition("#")[0]).resolve()
            name = str(found.relative_to(ROOT))
            if found.exists() and name not in seen:
                reached(name, seen)
    return seen
