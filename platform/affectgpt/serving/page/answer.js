// What the model says: the text, the emotions with their clues, and how it came about.

import { find, make, seconds } from "./elements.js"

const SENSES = { picture: "seen", voice: "heard", words: "said" }
const STEPS = { receive: "receive the clip", decode: "decode it", wait: "wait for the model", model: "the model" }

/** Writes a description with the clues of some labels marked; of all, where none is chosen. */
export function writeDescription({ description, language, labels }, chosen = null) {
  const characters = Array.from(description)
  const senses = new Array(characters.length).fill(null)
  for (const { label, clues } of labels) {
    if (chosen !== null && label !== chosen) continue
    for (const { start, end, sense } of clues) senses.fill(sense, start, end)
  }
  const parts = []
  for (let start = 0; start < characters.length; ) {
    let end = start + 1
    while (end < characters.length && senses[end] === senses[start]) end += 1
    const text = characters.slice(start, end).join("")
    parts.push(senses[start] ? make("mark", { class: senses[start] }, text) : text)
    start = end
  }
  find("description").lang = language
  find("description").replaceChildren(...parts)
}

/** Lists the labels with their clues; `choose` is told the label whose clues alone are to be marked, or null. */
export function writeLabels({ labels, language }, choose) {
  const buttons = labels.map(({ label }) => make("button", { type: "button", class: "chip", "aria-pressed": "false" }, label))
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true"
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button && !pressed))
      choose(pressed ? null : labels[index])
    })
  })
  const items = labels.map(({ clues }, index) => make("li", { lang: language }, buttons[index], cluesOf(clues)))
  if (!labels.length) items.push(make("li", { class: "absent" }, "The description names no emotion."))
  find("labels").replaceChildren(...items)
  find("emotions").hidden = false
}

/** Writes what was found in the clip, which model answered, and how long each step took. */
export function writeFacts({ clip, model, tokens, seconds: steps, request_id: id }) {
  const facts = {
    Length: seconds(clip.duration_s),
    Picture: perceived(clip.has_video, clip.seen, `${clip.frame_times_s.length} frames seen`),
    Sound: perceived(clip.has_audio, clip.heard, "heard"),
    Subtitle: clip.subtitle ? make("q", {}, clip.subtitle) : "none",
    Model: make("span", { title: model.fingerprint }, `${model.name}, ${model.fingerprint.slice(0, 12)}`),
    Tokens: `${tokens.prompt} read, ${tokens.description} written`,
    Request: make("code", {}, id),
  }
  const terms = Object.entries(facts).flatMap(([name, fact]) => [make("dt", {}, name), make("dd", {}, fact)])
  find("facts").replaceChildren(...terms)
  const rows = Object.entries(STEPS).map(([step, name]) => row(name, steps[step], steps.total))
  find("seconds").tBodies[0].replaceChildren(...rows, row("in all", steps.total, steps.total))
}

function cluesOf(clues) {
  if (!clues.length) return make("p", { class: "absent" }, "The text does not say what it rests on.")
  const items = clues.map(({ text, sense }) =>
    make("li", {}, make("span", { class: `sense ${sense}`, lang: "en" }, SENSES[sense]), " ", make("q", {}, text)),
  )
  return make("ul", { class: "clues" }, ...items)
}

function perceived(there, used, how) {
  if (used) return how
  return there ? "there, and not used" : "none in the clip"
}

function row(name, taken, total) {
  const bar = make("meter", { min: 0, max: total || 1, value: taken, "aria-hidden": "true" })
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, bar), make("td", {}, seconds(taken)))
}
