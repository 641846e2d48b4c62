"""What a run counted, to be added up and shown as a row of a table. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.faults.history import Evidence
from tests.faults.views import further_attempts

HEAD = (
    "| run | what struck | turns | requests | attempts | events | 503 | lost alive | takeover, longest |",
    "|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    struck: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    requests: int = 0
    attempts: int = 0
    events: int = 0
    refusals: int = 0
    leases_lost: int = 0
    """By replicas that lived, and noticed it themselves."""
    takeovers: tuple[int, ...] = ()
    """Milliseconds from each kill to the next attempt of a turn that it struck, if another replica lived."""

    def __add__(self, other: "Figures") -> "Figures":
        mine, theirs = self.plain(), other.plain()
        struck = self.struck + other.struck
        return Figures.read(
            {**{name: mine[name] + theirs[name] for name in mine if name != "struck"}, "struck": struck}
        )

    def plain(self) -> dict[str, Any]:
        """As JSON values: a test's worker sends them to whoever prints them."""
        return {**asdict(self), "struck": dict(self.struck), "takeovers": list(self.takeovers)}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Figures":
        more = {"struck": Counter(values["struck"]), "takeovers": tuple(values["takeovers"])}
        return cls(**{**values, **more})

    def row(self, name: str) -> str:
        struck = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.struck.items()))
        times = sorted(self.takeovers)
        takeover = f"{times[len(times) // 2] / 1000:.1f} s, {times[-1] / 1000:.1f} s" if times else "-"
        counts = (self.turns, self.requests, self.attempts, self.events, self.refusals, self.leases_lost)
        return f"| {name} | {struck} | {' | '.join(map(str, counts))} | {takeover} |"


def figures_of(evidence: Evidence) -> Figures:
    stored, history = evidence.stored.values(), evidence.history
    return Figures(
        struck=Counter(hit.kind for hit in history.disturbances),
        turns=sum(len(each.turns) for each in stored),
        requests=len(evidence.requests),
        attempts=sum(len(each.attempts) for each in stored),
        events=sum(len(each.frames) for each in stored),
        refusals=len(history.refusals),
        leases_lost=len(evidence.leases_lost),
        takeovers=tuple(_takeovers(evidence)),
    )


def _takeovers(evidence: Evidence) -> list[int]:
    """Of several kills between two attempts the first one counts, so that no time is too short.

    Turns for which nobody was left to take them over are left out: they wait for a new process.
    """
    hits = evidence.history.disturbances
    found = []
    for stored in evidence.stored.values():
        for before, after in further_attempts(stored):
            between = [hit for hit in hits if before.at <= hit.over and hit.begun <= after.at]
            if between and all(hit.kind == "kill" for hit in between):
                found.append(after.at - between[0].begun)
    return found
