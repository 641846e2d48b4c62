"""Whatever a person does, and whatever happens meanwhile: the page shows what the server holds."""

import random
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from antiphon.simulator import Reply, Simulator
from tests.server.histories import asked
from tests.web.visitor import Visitor

SEEDS = (1, 2)
ACTIONS = 14


class Person:
    """Does one thing after another, and does not wait for an answer to end."""

    def __init__(self, visitor: Visitor, luck: random.Random) -> None:
        self.visitor = visitor
        self.luck = luck
        self.said = 0

    def act(self, *, kill: bool) -> str:
        often = [self.send] * 3
        others = [self.stop, self.reload, self.edit, self.switch, self.again, self.drop]
        doing: Callable[[], None] = self.kill if kill else self.luck.choice([*often, *others])
        doing()
        return doing.__name__

    def send(self) -> None:
        self.said += 1
        self.visitor.say(f"Message {self.said} of seed.")

    def stop(self) -> None:
        self.visitor.page.keyboard.press("Escape")

    def reload(self) -> None:
        self.visitor.page.reload()
        expect(self.visitor.composer).to_be_visible()

    def drop(self) -> None:
        """The network goes, and comes back."""
        self.visitor.context.set_offline(offline=True)
        self.visitor.page.wait_for_timeout(self.luck.randrange(1, 80))
        self.visitor.context.set_offline(offline=False)

    def kill(self) -> None:
        """The server dies, is spoken to all the same, and comes back with what it has kept."""
        self.visitor.site.kill()
        self.send()
        self.visitor.site.start()

    def edit(self) -> None:
        if self.visitor.questions.count() == 0:
            return
        self.said += 1
        self.visitor.composer.fill("")
        self.visitor.composer.press("ArrowUp")
        editor = self.visitor.page.get_by_role("textbox", name="Edit message")
        if editor.count() == 1:
            editor.fill(f"Message {self.said}, edited.")
            editor.press("Enter")

    def switch(self) -> None:
        self._click("Version before" if self.luck.random() < 0.6 else "Next version")

    def again(self) -> None:
        self._click("Answer again")

    def _click(self, name: str) -> None:
        """Press the first such button, if there is one that can be pressed."""
        self.visitor.page.evaluate(
            "name => document.querySelector(`button[aria-label='${name}']:not(:disabled)`)?.click()", name
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_any_actions_end_in_what_the_server_holds(
    seed: int, visitor: Visitor, other: Visitor, simulator: Simulator
) -> None:
    luck = random.Random(seed)
    replies = [Reply(text=f"Answer {n} is of plain words and has no mark.", pace=0.01) for n in range(60)]
    simulator.script(*replies)
    person = Person(visitor, luck)
    person.send()
    conversation_id = visitor.id
    other.open(f"/c/{conversation_id}")
    death = luck.randrange(2, ACTIONS)
    done = [person.act(kill=number == death) for number in range(ACTIONS)]
    visitor.expect_rest()
    other.expect_rest()
    held = visitor.site.history(conversation_id)
    visitor.expect_shown(held, done)
    other.expect_shown(held, done)
    visitor.page.reload()
    visitor.expect_rest()
    expect(visitor.questions.first).to_be_visible()
    assert visitor.shown() == held, done
    texts = [text for role, text in held if role == "user"]
    assert len(texts) == len(set(texts)), "a message stands twice in one branch"
    assert len(asked(simulator)) <= person.said + done.count("again") + done.count("kill")
