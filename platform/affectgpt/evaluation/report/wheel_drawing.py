"""An emotion wheel as inline SVG: how much of each emotion was found, and what was predicted in its stead.

The inner ring holds the sectors, the outer ring the words of the middle ring. The fuller a colour, the higher the
recall. Ribbons inside lead from a sector of the truth, where they are as wide as their share of its clips, to a point
at the sector that was predicted in its stead; a grey block at the edge is the share with nothing predicted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from affectgpt.dataset.report import text

_OUTSIDE = 212
_LONGEST_WORD = 109
_SHORTEST_WORD = 40
_BETWEEN = 170
_INSIDE = {"along": 124, "across": 84}
_MOST_NAMES_ALONG = 11
_HUES = 24
_FAINTEST = 0.08
_NARROWEST_RIBBON = 0.02
_CHARACTER = 7.8
# Text is clipped where the line that it follows ends, so lines go on into the neighbours by this angle.
_LINE_MARGIN = 0.3
_SPARSE_WORDS = 16.0
# Angles are shared out between sectors by their words, and this part of the circle evenly.
_EVEN_PART = 0.3


@dataclass(frozen=True, slots=True)
class Arc:
    """A stretch of the circle: angles in radians, clockwise from the top."""

    start: float
    end: float

    @property
    def middle(self) -> float:
        """The angle half-way."""
        return (self.start + self.end) / 2

    @property
    def span(self) -> float:
        """The angle covered."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector of the wheel, and the words of the middle ring that lie in it, each with its stretch of the circle."""

    name: str
    arc: Arc
    words: Sequence[tuple[str, Arc]]


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A confusion: ``share`` of the clips whose truth holds sector ``source`` were given sector ``target`` instead."""

    source: int
    target: int
    share: float


def draw_wheel(
    identity: str,
    wheel: Mapping[str, Any],
    sector_scores: Sequence[Mapping[str, Any]],
    word_scores: Sequence[Mapping[str, Any]],
    confusion: Mapping[str, Any],
) -> Markup:
    """Draw one wheel for one prediction.

    Args:
        identity: a word that no other wheel of the page has; the names along the ring refer to it.
        wheel: ``name`` and ``sectors``, each with ``name`` and its ``middle`` words.
        sector_scores: per sector ``label``, ``references``, ``predictions``, ``precision`` and ``recall``; a sector
            that is not among them never occurs.
        word_scores: the same per word of the middle ring.
        confusion: in the order of the wheel's N sectors, ``matrix`` (shares of shape (N, N + 1), the last column for
            nothing predicted), ``missed`` (shares of shape (N,)) and ``counts`` (clips, of shape (N,)).

    Raises:
        KeyError: one of these is missing.
    """
    sectors = _layout(wheel)
    along = len(sectors) <= _MOST_NAMES_ALONG
    inside = _INSIDE["along" if along else "across"]
    by_sector = {score["label"]: score for score in sector_scores}
    by_word = {score["label"]: score for score in word_scores}
    rings = Markup("").join(
        Markup('<g class="{}">{}{}{}</g>').format(
            hue(index, len(sectors)),
            _ring_part(sector.arc, inside, _BETWEEN, sector.name, by_sector.get(sector.name)),
            Markup("").join(_word(word, arc, by_word.get(word)) for word, arc in sector.words),
            _name_along(f"{identity}-{index}", sector, by_sector.get(sector.name)) if along else _name_across(sector),
        )
        for index, sector in enumerate(sectors)
    )
    words = [word for sector in sectors for word in sector.words]
    crowded = any(arc.span * _OUTSIDE < _SPARSE_WORDS for _, arc in words)
    longest = max((_width(_fitting(word, _LONGEST_WORD)) for word, _ in words), default=0.0)
    half = math.ceil(_OUTSIDE + max(longest, _SHORTEST_WORD) + 12)
    return Markup('<svg class="wheel{}" viewBox="{} {} {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        " dense" if crowded else "",
        *(-half, -half, 2 * half, 2 * half),
        _spoken(wheel["name"], sectors, by_sector),
        rings,
        _confusions(sectors, inside - 3, confusion),
    )


def _layout(wheel: Mapping[str, Any]) -> list[Sector]:
    arcs = sector_arcs([len(sector["middle"]) for sector in wheel["sectors"]])
    return [
        Sector(sector["name"], arc, list(zip(sector["middle"], _parts(arc, len(sector["middle"])), strict=True)))
        for sector, arc in zip(wheel["sectors"], arcs, strict=True)
    ]


def hue(index: int, total: int) -> str:
    """Name the style class that colours sector ``index`` of ``total``: the hues go round the wheel in 24 steps."""
    return f"hue-{round(index * _HUES / total) % _HUES}"


def sector_arcs(words: Sequence[int]) -> list[Arc]:
    """Share out the circle between sectors with so many words: part of it evenly, the rest by their words."""
    total = sum(words)
    shares = [
        _EVEN_PART / len(words) + (1 - _EVEN_PART) * count / total if total else 1 / len(words) for count in words
    ]
    edges = 2 * math.pi * np.concatenate([[0.0], np.cumsum(shares)])
    return [Arc(float(start), float(end)) for start, end in pairwise(edges)]


def ribbons(confusion: Mapping[str, Any]) -> list[Ribbon]:
    """Find the confusions that are wide enough to be seen: at least 2 % of the clips of their sector."""
    shares = _shares_of_clips(confusion)
    sources, targets = np.nonzero(shares[:, :-1] >= _NARROWEST_RIBBON)
    return [
        Ribbon(int(source), int(target), float(shares[source, target]))
        for source, target in zip(sources, targets, strict=True)
    ]


def _shares_of_clips(confusion: Mapping[str, Any]) -> NDArray[np.float64]:
    """Turn shares of the clips that missed a sector into shares of all clips with it: (N, N + 1)."""
    matrix = np.asarray(confusion["matrix"], np.float64)
    return np.nan_to_num(matrix * np.asarray(confusion["missed"], np.float64)[:, None])


def _confusions(sectors: Sequence[Sector], radius: float, confusion: Mapping[str, Any]) -> Markup:
    shares = _shares_of_clips(confusion)
    drawn = ribbons(confusion)
    landings = _landings(drawn, sectors)
    parts = Markup("")
    for source, sector in enumerate(sectors):
        of_clips = f"of its {confusion['counts'][source]:,} clips"
        angle = sector.arc.start
        own = [ribbon for ribbon in drawn if ribbon.source == source]
        # Ribbons leave in the order of the places they go to, so that those of one sector do not cross.
        for ribbon in sorted(own, key=lambda ribbon: -_clockwise(sector, sectors[ribbon.target])):
            edge = Arc(angle, angle + ribbon.share * sector.arc.span)
            title = f"{_plain(sectors[ribbon.target].name)} instead of {_plain(sector.name)}"
            parts += Markup('<path class="ribbon {}" d="{}"><title>{}: {} {}</title></path>').format(
                hue(source, len(sectors)),
                _ribbon_path(edge, landings[source, ribbon.target], radius),
                title,
                text.percent(ribbon.share),
                of_clips,
            )
            angle = edge.end
        silent = float(shares[source, -1])
        if silent >= _NARROWEST_RIBBON:
            edge = Arc(angle, angle + silent * sector.arc.span)
            parts += Markup(
                '<path class="nothing" d="{}"><title>nothing predicted for {}: {} {}</title></path>'
            ).format(_band(edge, radius - 9, radius), _plain(sector.name), text.percent(silent), of_clips)
    return parts


def _landings(drawn: Sequence[Ribbon], sectors: Sequence[Sector]) -> dict[tuple[int, int], float]:
    """Give each ribbon its own angle to end at, spread over the middle half of its target."""
    angles: dict[tuple[int, int], float] = {}
    for target, sector in enumerate(sectors):
        arriving = [ribbon for ribbon in drawn if ribbon.target == target]
        arriving.sort(key=lambda ribbon: -_clockwise(sector, sectors[ribbon.source]))
        for place, ribbon in enumerate(arriving, start=1):
            part = 0.25 + 0.5 * place / (len(arriving) + 1)
            angles[ribbon.source, target] = sector.arc.start + part * sector.arc.span
    return angles


def _clockwise(start: Sector, end: Sector) -> float:
    return (end.arc.middle - start.arc.middle) % (2 * math.pi)


def _ribbon_path(source: Arc, landing: float, radius: float) -> str:
    """Go along the source's edge, in a bow to the landing point, and back; near neighbours bow less deeply."""
    turn = (landing - source.middle + math.pi) % (2 * math.pi) - math.pi
    bow = _at(source.middle + turn / 2, radius * 0.62 * (1 - abs(turn) / math.pi))
    start, end = _at(source.start, radius), _at(source.end, radius)
    return (
        f"M{start}A{radius} {radius} 0 {int(source.span > math.pi)} 1 {end}"
        f"Q{bow} {_at(landing, radius - 6)}Q{bow} {start}Z"
    )


def _ring_part(arc: Arc, inside: float, outside: float, name: str, score: Mapping[str, Any] | None) -> Markup:
    title = _score_title(name, score)
    recall = score["recall"] if score and score["references"] else None
    if recall is None:
        return Markup('<path class="part never" d="{}"><title>{}</title></path>').format(
            _band(arc, inside, outside), title
        )
    return Markup('<path class="part" fill-opacity="{:.3f}" d="{}"><title>{}</title></path>').format(
        _FAINTEST + (1 - _FAINTEST) * recall, _band(arc, inside, outside), title
    )


def _score_title(name: str, score: Mapping[str, Any] | None) -> str:
    if score is None or not score["references"]:
        predicted = score["predictions"] if score else 0
        return f"{_plain(name)}: never in the truth, predicted {predicted:,} times"
    return (
        f"{_plain(name)}: recall {text.percent(score['recall'])}, precision {text.percent(score['precision'])}; "
        f"{score['references']:,} times in the truth, predicted {score['predictions']:,} times"
    )


def _word(name: str, arc: Arc, score: Mapping[str, Any] | None) -> Markup:
    return _ring_part(arc, _BETWEEN, _OUTSIDE, name, score) + Markup(
        '<text class="word{}" transform="{}" dy="0.35em" text-anchor="{}">{}</text>'
    ).format(
        "" if score and score["references"] else " never",
        _outwards(arc, _OUTSIDE + 7),
        "end" if arc.middle > math.pi else "start",
        _fitting(name, _LONGEST_WORD),
    )


def _name_along(identity: str, sector: Sector, score: Mapping[str, Any] | None) -> Markup:
    """Write a sector's name and recall along its arc; below the middle of the wheel the other way round."""
    below = math.pi / 2 < sector.arc.middle < 3 * math.pi / 2
    radii = (140, 156) if below else (152, 133)
    name = _fitting(sector.name, sector.arc.span * radii[0])
    recall = text.percent(score["recall"]) if score and score["references"] else text.DASH
    return Markup("").join(
        Markup(
            '<path id="{id}" class="line" d="{}"/><text class="{}">'
            '<textPath href="#{id}" startOffset="50%" text-anchor="middle">{}</textPath></text>'
        ).format(_line(sector.arc, radius, backwards=below), style, written, id=f"{identity}-{style}")
        for radius, style, written in zip(radii, ("sector", "recall"), (name, recall), strict=True)
    )


def _name_across(sector: Sector) -> Markup:
    """Write a sector's name from the inside to the outside, where the arcs are too short for it."""
    return Markup('<text class="sector" transform="{}" dy="0.35em" text-anchor="middle">{}</text>').format(
        _outwards(sector.arc, (_INSIDE["across"] + _BETWEEN) / 2),
        _fitting(sector.name, _BETWEEN - _INSIDE["across"] - 6),
    )


def _outwards(arc: Arc, radius: float) -> str:
    """Place text on a ray of the wheel, to be read from the left on either side."""
    turn = f"rotate({math.degrees(arc.middle) - 90:.2f}) translate({radius:.1f})"
    return f"{turn} rotate(180)" if arc.middle > math.pi else turn


def _fitting(name: str, room: float) -> str:
    """Cut a name to a width in the wheel's units."""
    shown = ""
    for character in _plain(name):
        if _width(shown + character) > room:
            return shown.rstrip() + "…"
        shown += character
    return shown


def _width(name: str) -> float:
    """Estimate a name's width in the wheel's units; Chinese, Japanese and Korean are twice as wide as the others."""
    return sum(_CHARACTER * (2 if ord(character) >= 0x2E80 else 1) for character in name)


def _plain(name: str) -> str:
    return text.printable(name[:80])


def _parts(arc: Arc, count: int) -> Iterator[Arc]:
    edges = np.linspace(arc.start, arc.end, count + 1)
    return (Arc(float(start), float(end)) for start, end in pairwise(edges))


def _at(angle: float, radius: float) -> str:
    return f"{radius * math.sin(angle):.1f} {-radius * math.cos(angle):.1f}"


def _line(arc: Arc, radius: float, backwards: bool) -> str:
    longer = Arc(arc.start - _LINE_MARGIN, min(arc.end, arc.start + 5) + _LINE_MARGIN)
    start, end = (longer.end, longer.start) if backwards else (longer.start, longer.end)
    large = int(longer.span > math.pi)
    return f"M{_at(start, radius)}A{radius} {radius} 0 {large} {int(not backwards)} {_at(end, radius)}"


def _band(arc: Arc, inside: float, outside: float) -> str:
    large = int(arc.span > math.pi)
    return (
        f"M{_at(arc.start, outside)}A{outside} {outside} 0 {large} 1 {_at(arc.end, outside)}"
        f"L{_at(arc.end, inside)}A{inside} {inside} 0 {large} 0 {_at(arc.start, inside)}Z"
    )


def _spoken(name: str, sectors: Sequence[Sector], scores: Mapping[str, Mapping[str, Any]]) -> str:
    recalls = [
        f"{_plain(one.name)} {text.percent(scores[one.name]['recall'])}" for one in sectors if one.name in scores
    ]
    return f"Emotion wheel {_plain(name)}, recall by sector: {', '.join(recalls) or 'nothing to show'}"
