"""Files in what is sent: never more than the API takes, and reckoned before anybody counts them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.context.counting import most_tokens
from antiphon.context.estimate import plan_tokens
from antiphon.context.media import check_media
from antiphon.context.plan import Request, plan_request
from antiphon.context.summaries import transcript
from antiphon.domain.conversations import PlacedMessage
from antiphon.domain.files import File, Media, block_of, file_of, with_files
from antiphon.domain.messages import Block, text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import InvalidRequest, TooLarge
from antiphon.model.files import encoded
from antiphon.money.table import load_facts
from antiphon.simulator.tokens import block_bytes
from tests.context.histories import check_with_the_api, header, placed
from tests.samples import pdf, png_that_says

TABLE = load_facts()
FILES: dict[str, File] = {}
"""By id: what the references of these tests lead to."""


def an_image(width: int = 30, height: int = 20) -> Block:
    media = Media(media_type="image/png", width=width, height=height)
    return _kept(file_of("local", png_that_says(width, height), media))


def a_pdf(pages: int) -> Block:
    return _kept(file_of("local", pdf(pages, packed=True), Media(media_type="application/pdf", pages=pages)))


def a_text(text: str = "Notes.") -> Block:
    return _kept(file_of("local", text.encode(), Media(media_type="text/plain"), "notes.txt"))


def _kept(file: File) -> Block:
    FILES[file.facts.id] = file
    return block_of(file.facts)


def plan_of(path: Sequence[PlacedMessage], model: str = "claude-haiku-4-5", **options: Any) -> RequestPlan:
    return plan_request(header(), path, Request(model=model, facts=TABLE.get(model), options=options))


def filled(plan: RequestPlan) -> RequestPlan:
    """With the bytes that the door puts in."""

    def fill(block: Block) -> Block:
        return {**block, "source": encoded(FILES[block["source"]["file_id"]])}

    messages = tuple(
        {**sent, "content": [with_files(block, fill) for block in sent["content"]]} for sent in plan.messages
    )
    return replace(plan, messages=messages)


def asked_with(*each: Sequence[Block]) -> list[PlacedMessage]:
    """A conversation in which each of these was sent with a question, and answered; but the last."""
    path: list[PlacedMessage] = []
    for seq, blocks in enumerate(each):
        path.append(placed(2 * seq + 1, "user", *blocks, text_block("What is this?")))
        path.append(placed(2 * seq + 2, "assistant", text_block("A picture.")))
    return path[:-1]


def kept_in(plan: RequestPlan) -> int:
    """How many files are sent."""
    blocks = (block for sent in plan.messages for block in sent["content"])
    return sum(block["type"] in ("image", "document") for block in blocks)


SIDES = st.sampled_from([1, 28, 1999, 2000, 2001, 8000])
IMAGES = st.builds(an_image, SIDES, SIDES)
CITED = st.builds(
    lambda block, cites: {**block, "citations": {"enabled": True}} if cites else block,
    st.builds(a_pdf, st.sampled_from([1, 3, 60, 100])) | st.just(a_text()),
    st.booleans(),
)
MANY_IMAGES = st.lists(st.lists(IMAGES, max_size=9), min_size=1, max_size=12)
MIXED = st.lists(st.lists(IMAGES | CITED, max_size=3), min_size=1, max_size=8)


def fit(each: Sequence[Sequence[Block]], model: str) -> bool:
    """Whether every single message may be sent."""
    try:
        for blocks in each:
            check_media(blocks, TABLE.get(model).context)
    except InvalidRequest:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(MANY_IMAGES | MIXED, st.sampled_from(["claude-haiku-4-5", "claude-sonnet-5-5"]), st.booleans())
def test_whatever_was_attached_the_next_request_is_valid(
    each: list[list[Block]], model: str, formed: bool
) -> None:
    if not fit(each, model):
        return
    form = {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}
    plan = plan_of(asked_with(*each), model, **(form if formed else {}))
    check_with_the_api(filled(plan))
    newest = [block["type"] for block in plan.messages[-1]["content"]]
    assert newest == [*(block["type"] for block in each[-1]), "text"]
    documents = [b for sent in plan.messages for b in sent["content"] if b["type"] == "document"]
    assert len({bool((block.get("citations") or {}).get("enabled")) for block in documents}) <= 1
    assert not formed or all(not (b.get("citations") or {}).get("enabled") for b in documents)


def test_old_files_go_in_large_pieces_so_that_the_prefix_seldom_changes() -> None:
    counts: list[int] = []
    changes, before = 0, list[Any]()
    for length in range(1, 260, 3):
        path = asked_with(*([an_image(seq + 1, 9)] for seq in range(length)))
        plan = plan_of(path)
        sent = [{**m, "content": [{**b, "cache_control": None} for b in m["content"]]} for m in plan.messages]
        changes += sent[: len(before)] != before
        before = sent
        counts.append(kept_in(plan))
    assert max(counts) <= 100
    assert min(counts[34:]) >= 50
    assert changes == 4


def test_what_is_left_out_says_so() -> None:
    path = asked_with(*([an_image(seq + 1, 9)] for seq in range(101)))
    content = plan_of(path).messages[0]["content"]
    assert content[0]["text"].startswith("[left out here: an attached image")
    assert kept_in(plan_of(path, "claude-sonnet-5-5")) == 101


def test_large_files_of_an_old_message_make_room_for_new_ones() -> None:
    blocks = [an_image(seq + 1, 9) for seq in range(8)]
    for block in blocks:
        block["source"]["bytes"] = 5_000_000
    plan = plan_of(asked_with(*([block] for block in blocks)), "claude-sonnet-5-5")
    assert kept_in(plan) == 3
    with pytest.raises(TooLarge, match=r"22\.5 MB together"):
        check_media(blocks, None)


def test_one_message_may_not_hold_more_than_the_model_takes() -> None:
    with pytest.raises(InvalidRequest, match="100 images for this model, not 101"):
        check_media([an_image()] * 101, 200_000)
    check_media([an_image()] * 101, 1_000_000)
    with pytest.raises(InvalidRequest, match="100 pages of PDF"):
        check_media([a_pdf(60), a_pdf(41)], 200_000)
    check_media([an_image(2000, 2000)] * 21, None)
    with pytest.raises(InvalidRequest, match="2,000 pixels"):
        check_media([*[an_image()] * 20, an_image(2001, 1)], None)


@given(st.lists(IMAGES | st.builds(a_text, st.text("aé你🙂 ", min_size=1).filter(str.strip)), max_size=4))
def test_the_most_that_files_can_be_is_never_less_than_what_they_are(blocks: list[Block]) -> None:
    plan = plan_of(asked_with(blocks), "claude-sonnet-5-5")
    most = most_tokens(plan)
    assert most is not None
    count = sum(block_bytes(b) for sent in filled(plan).messages for b in sent["content"]) // 4
    assert most >= count
    assert plan_tokens(plan) >= sum(
        block_bytes(b) // 4 for sent in filled(plan).messages for b in sent["content"] if b["type"] == "image"
    )


def test_what_nothing_bounds_is_for_the_api_to_count() -> None:
    cited = {**a_text(), "citations": {"enabled": True}}
    for block in (a_pdf(3), cited):
        assert most_tokens(plan_of(asked_with([block]))) is None


def test_a_pdf_is_estimated_by_its_pages_and_an_image_by_its_pixels() -> None:
    one, forty = (plan_tokens(plan_of(asked_with([a_pdf(pages)]))) for pages in (1, 40))
    assert forty - one == pytest.approx(39 * 3000, abs=10)
    small, large = (plan_tokens(plan_of(asked_with([an_image(side, side)]))) for side in (28, 280))
    assert large - small == 99


def test_a_summary_is_asked_for_without_bytes() -> None:
    inline = {"type": "document", "title": "b", "source": {"type": "text", "data": "Milk, bread."}}
    photo = {"type": "image", "source": {**an_image()["source"], "name": "a photo.png"}}
    said = placed(1, "user", an_image(), photo, a_text(), inline, text_block("What is this?"))
    assert transcript(said) == (
        'Person: [image]\n[image "a photo.png"]\n[document "notes.txt"]\n'
        '[document "b": Milk, bread.]\nWhat is this?'
    )
