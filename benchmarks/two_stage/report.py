"""The findings of the benchmark: as a table, in JSON, as a picture, and the claim in a sentence."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from benchmarks.two_stage.claims import Claim, kind

_COLUMNS: Final = (
    ("accuracy", "accuracy"),
    ("macro_recall", "macro recall"),
    ("accuracy_s", "Accuracy_s"),
    ("recall_s", "Recall_s"),
    ("f_s", "F_s"),
)
_NAME_WIDTH: Final = 300
_PLOT_WIDTH: Final = 460
_ROW: Final = 22
_TOP: Final = 40
_COLOURS: Final = {"fine only": "#b45309", "coarse": "#1d4ed8", "two stages": "#047857", "other": "#6b7280"}


def print_table(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print the figures of every arm."""
    width = max(map(len, rows))
    print(f"{'arm':{width}}  {'clips':>5}  seeds  " + "  ".join(f"{title:>12}" for _, title in _COLUMNS))
    for arm, row in rows.items():
        figures = "  ".join(f"{row[name]:12.3f}" for name, _ in _COLUMNS)
        print(f"{arm:{width}}  {row['clips']:5.0f}  {row['seeds']:5.0f}  {figures}")


def write_findings(
    folder: Path,
    rows: Mapping[str, Mapping[str, float]],
    claims: Sequence[Claim],
    settings: Mapping[str, object],
) -> None:
    """Write ``findings.json`` and ``findings.svg``."""
    found = {"settings": settings, "arms": rows, "claims": [claim.to_dict() for claim in claims]}
    (folder / "findings.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    (folder / "findings.svg").write_text(draw(rows), encoding="utf-8")


def draw(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Draw the accuracy of each arm with its interval, best first."""
    ordered = sorted(rows.items(), key=lambda item: -item[1]["accuracy"])
    height = _TOP + _ROW * len(ordered) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_NAME_WIDTH + _PLOT_WIDTH + 60}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img" '
        'aria-label="Accuracy of the first label on unseen speakers, by arm">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="8" y="18" font-weight="600">Accuracy of the first label on unseen speakers, 95 % intervals over clips'
        "</text>",
    ]
    for tenth in range(0, 11, 2):
        x = _across(tenth / 10)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 18}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 5}" text-anchor="middle" fill="#6b7280">{tenth / 10:.1f}</text>')
    for number, (arm, row) in enumerate(ordered):
        parts += _bar(arm, row, _TOP + _ROW * number + _ROW / 2)
    return "\n".join([*parts, "</svg>", ""])


def _bar(arm: str, row: Mapping[str, float], y: float) -> list[str]:
    colour = _COLOURS[kind(arm)]
    low, middle, high = (_across(row[name]) for name in ("accuracy_low", "accuracy", "accuracy_high"))
    return [
        f'<text x="{_NAME_WIDTH - 8}" y="{y + 4}" text-anchor="end">{escape(arm)}</text>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>',
        f'<circle cx="{middle:.1f}" cy="{y}" r="4.5" fill="{colour}"/>',
        f'<text x="{high + 6:.1f}" y="{y + 4}" fill="{colour}">{row["accuracy"]:.3f}</text>',
    ]


def _across(share: float) -> float:
    return _NAME_WIDTH + _PLOT_WIDTH * share
