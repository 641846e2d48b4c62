"""`model="auto"`: which model a conversation gets, chosen once from its first message and its tools. Pure.

Once, since a switch pays the whole prefix again. The rules read no meaning, only marks of the task, and the
middle one wins where they see none:

* Hard reasoning: proofs, derivations, optimisation, decisions with trade-offs, much to think through.
* Simple: one short question or order of a common kind, without code, files or tools.
* Everything else, and all code: the middle one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.domain.messages import Block, text_of

AUTO = "auto"
"""In place of a model's name: chosen for each conversation, by its first message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The models by task."""

    simple: str = "claude-haiku-5-5"
    usual: str = "claude-sonnet-5-5"
    hard: str = "claude-opus-5-5"


HARD = re.compile(
    r"\b(?:prove|proof|theorem|lemma|derive|derivation|counterexample|np-hard|complexity of|optimal"
    r"|optimi[sz]e|trade-?offs?|architect(?:ure)?|root cause|race condition|deadlock|formally|rigorous(?:ly)?"
    r"|think (?:hard|carefully|deeply)|step[- ]by[- ]step reasoning|differential equation|integral of)\b",
    re.IGNORECASE,
)
CODE = re.compile(
    r"```|\b(?:def|class|import|function|const|SELECT|Traceback|Exception|stack ?trace|regex|refactor"
    r"|unit test|compile|bug|code|script|python|javascript|typescript|rust|sql|html|css|api|json|yaml"
    r"|docker|git)\b"
    r"|[{};]\s*$|=>|\w+\(\)",
    re.IGNORECASE | re.MULTILINE,
)
COMMON = re.compile(
    r"^\W*(?:hi|hello|hey|thanks|thank you|good (?:morning|evening)|translate|define|spell|convert"
    r"|summari[sz]e|shorten|rephrase|rewrite|correct|proofread|list|name|what(?:'s| is| are| does)|who|when"
    r"|where|which|how (?:many|much|old|far|long|do you (?:say|spell))|give me|tell me|suggest|recommend"
    r"|is|are|can|does|do)\b",
    re.IGNORECASE,
)
SHORT = 240
"""Characters of a message that can be simple."""
TINY = 60
"""Characters of one that is simple whatever it says, in any language."""
LONG = 6_000
"""Characters of one that asks for much to be held together: hard if it has marks of reasoning too."""


def choose_model(
    content: Sequence[Block], tools: Sequence[dict[str, Any]] = (), routes: Routes | None = None
) -> str:
    """The model for a conversation that begins with this message."""
    routes = routes or Routes()
    text = text_of(content).strip()
    marks = len(HARD.findall(text))
    if marks and (marks > 1 or len(text) > LONG or not CODE.search(text)):
        return routes.hard
    only_text = all(block.get("type") == "text" for block in content)
    if tools or not only_text or len(text) > SHORT or CODE.search(text):
        return routes.usual
    return routes.simple if len(text) <= TINY or COMMON.match(text) else routes.usual
