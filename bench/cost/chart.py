"""A chart as SVG: what is still in reach against what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 20, 50
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
LOWEST, HIGHEST = 0.3, 30.0
"""Of the cost axis, which is logarithmic."""


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    cost: float
    """Over that of full history with five minutes."""
    recall: float
    ours: bool


def chart(points: Sequence[Point], title: str) -> str:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT}>',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_axes(),
        *_dots(points),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(cost: float) -> float:
    share = (log10(cost) - log10(LOWEST)) / (log10(HIGHEST) - log10(LOWEST))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(recall: float) -> float:
    return HEIGHT - BOTTOM - recall * (HEIGHT - TOP - BOTTOM)


def _axes() -> list[str]:
    lines = []
    for cost in (0.3, 0.5, 1, 2, 5, 10, 20):
        x = _x(cost)
        lines.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>')
        lines.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#555">{cost:g}×</text>'
        )
    for recall in (0, 0.25, 0.5, 0.75, 1):
        y = _y(recall)
        lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>')
        lines.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{recall:.2g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines.append(
        f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle" fill="#333">'
        "dollars, full history with a 5 m cache = 1 (chat and tools together)</text>"
    )
    lines.append(
        f'<text transform="translate(16 {(HEIGHT - BOTTOM + TOP) / 2:.0f}) rotate(-90)" text-anchor="middle" '
        'fill="#333">facts still in reach</text>'
    )
    return lines


def _dots(points: Sequence[Point]) -> list[str]:
    """Each point with its name, moved up or down where names would cover each other."""
    lines, taken = [], list[tuple[float, float]]()
    for point in sorted(points, key=lambda point: point.cost):
        x, y = _x(point.cost), _y(point.recall)
        colour = "#b3541e" if point.ours else "#5b7a99"
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        down = 1 if point.recall > 0.5 else -1
        at = y + 4 + 14 * down
        while any(abs(x - other) < 250 and abs(at - line) < 14 for other, line in taken):
            at += 14 * down
        taken.append((x, at))
        end = ' text-anchor="end"' if x > WIDTH - 220 else ""
        lines.append(f'<text x="{x:.1f}" y="{at:.1f}"{end} fill="{colour}">{point.name}</text>')
    return lines
