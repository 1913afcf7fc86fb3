// An emotion wheel: the inner ring holds its sectors, the outer ring their words; what was found is filled.

import { draw, make } from "./elements.js"

const RADII = { hub: 34, middle: 150, outside: 212 }
const TEXT_SIZE = { wide: 14, compact: 17 }
const CHARACTER = 0.56
const ROOM_FOR_WORDS = 118
const EVEN_PART = 0.3
const FULL = 2 * Math.PI
const LINE_MARGIN = 0.3
const NAMES_ALONG = 116
const LINE_HEIGHT = 1.3

/** Says where labels are on a wheel: {label, word, sector}, the last two null where it has no place for one. */
export function placesOf(labels, wheel, emotions) {
  return labels.map((label) => {
    const word = emotions.find((emotion) => emotion.words.includes(label))?.places[wheel.name] ?? null
    const sector = wheel.sectors.find(({ words }) => words.includes(word))?.name ?? null
    return { label, word, sector }
  })
}

/** Draws a wheel; a compact one writes no words around it, for narrow screens. */
export function drawWheel(wheel, places, compact) {
  const sectors = laidOut(wheel.sectors)
  const size = TEXT_SIZE[compact ? "compact" : "wide"]
  const along = sectors.every(({ lines, span }) => lines.every((line) => line.length * size * CHARACTER < span * 115))
  const half = RADII.outside + (compact ? 4 : ROOM_FOR_WORDS)
  const said = places.filter(({ word }) => word).map((place) => `${place.label} at ${written(place)}`)
  const spoken = `Emotion wheel ${wheel.title}: ${said.join(", ") || "none of the emotions has a place on it"}`
  const box = { viewBox: `${-half} ${-half} ${2 * half} ${2 * half}`, role: "img", "aria-label": spoken }
  return draw(
    "svg",
    { class: "wheel", ...box },
    ...sectors.map((sector, index) => drawSector(sector, index, places, { compact, size, along })),
  )
}

/** Writes where the labels are, those without a place last. */
export function writePlaces(places) {
  const placed = places.filter(({ word }) => word)
  const others = places.filter(({ word }) => !word).map(({ label }) => label)
  const items = placed.map((place) => make("li", {}, make("b", {}, place.label), ` at ${written(place)}`))
  if (others.length) items.push(make("li", {}, "Not on this wheel: ", make("b", {}, others.join(", "))))
  if (!places.length) items.push(make("li", {}, `The description names no emotion that the wheel could show.`))
  return items
}

function written({ word, sector }) {
  return word === sector ? word : `${word} (${sector})`
}

function laidOut(sectors) {
  const total = sectors.reduce((sum, { words }) => sum + words.length, 0)
  let start = 0
  return sectors.map((sector) => {
    const span = FULL * (EVEN_PART / sectors.length + ((1 - EVEN_PART) * sector.words.length) / total)
    const [from, middle] = [start, start + span / 2]
    start += span
    const lines = sector.name.split(/(?<=,) /)
    return { ...sector, lines, start: from, span, middle, hue: (25 + (360 * middle) / FULL) % 360 }
  })
}

function drawSector(sector, index, places, { compact, size, along }) {
  const { name, words, start, span, hue } = sector
  const labels = places.filter((place) => place.sector === name)
  const group = draw("g", {}, ring(start, span, RADII.hub, RADII.middle, labels.length ? "near" : "", name))
  group.style.setProperty("--hue", hue)
  words.forEach((word, at) => {
    const [from, each] = [start + (at * span) / words.length, span / words.length]
    const here = labels.filter((place) => place.word === word)
    const part = ring(from, each, RADII.middle, RADII.outside, here.length ? "found" : "", word)
    part.dataset.labels = JSON.stringify(here.map(({ label }) => label))
    group.append(part)
    if (!compact) group.append(wordOutside(word, from + each / 2, here.length > 0))
  })
  group.append(...(along ? nameAlong(sector, `line-${index}`, size) : [nameAcross(sector, size)]))
  return group
}

function ring(start, span, inside, outside, kind, title) {
  const [end, large] = [start + span, Number(span > Math.PI)]
  const path =
    `M${at(start, outside)}A${outside} ${outside} 0 ${large} 1 ${at(end, outside)}` +
    `L${at(end, inside)}A${inside} ${inside} 0 ${large} 0 ${at(start, inside)}Z`
  return draw("path", { class: `part ${kind}`, d: path }, draw("title", {}, title))
}

function wordOutside(word, angle, found) {
  const anchor = angle > Math.PI ? "end" : "start"
  const place = { transform: outwards(angle, RADII.outside + 7), dy: "0.35em", "text-anchor": anchor }
  return draw("text", { class: found ? "word found" : "word", ...place }, word)
}

function nameAcross({ name, middle }, size) {
  const place = { transform: outwards(middle, RADII.middle - 8), dy: "0.35em", "font-size": size }
  return draw("text", { class: "sector", "text-anchor": middle > Math.PI ? "start" : "end", ...place }, name)
}

function nameAlong({ lines, start, span, middle }, id, size) {
  const below = middle > FULL / 4 && middle < (3 * FULL) / 4
  const [from, to] = [start - LINE_MARGIN, start + span + LINE_MARGIN]
  const large = Number(to - from > Math.PI)
  return lines.flatMap((line, index) => {
    // The first line is the upper one, also where the text runs the other way round.
    const lower = (index - (lines.length - 1) / 2) * LINE_HEIGHT * size
    const radius = NAMES_ALONG + (below ? lower + size / 3 : -lower - size / 3)
    const arc = (first, last, way) => `M${at(first, radius)}A${radius} ${radius} 0 ${large} ${way} ${at(last, radius)}`
    const text = draw("textPath", { href: `#${id}-${index}`, startOffset: "50%", "text-anchor": "middle" }, line)
    return [
      draw("path", { id: `${id}-${index}`, class: "line", d: below ? arc(to, from, 0) : arc(from, to, 1) }),
      draw("text", { class: "sector", "font-size": size }, text),
    ]
  })
}

// Text on a ray is read from the left on either side of the wheel.
function outwards(angle, radius) {
  const turn = `rotate(${((360 * angle) / FULL - 90).toFixed(2)}) translate(${radius})`
  return angle > Math.PI ? `${turn} rotate(180)` : turn
}

function at(angle, radius) {
  return `${(radius * Math.sin(angle)).toFixed(1)} ${(-radius * Math.cos(angle)).toFixed(1)}`
}
