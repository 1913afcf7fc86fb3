// What was described in this visit: in memory alone, and gone with the page.

import { find, make } from "./elements.js"

const MOST = 20

export class Visits {
  #entries = []

  /** Sets up; `reopen` is told the file and the answer of an entry that is chosen. */
  constructor(reopen) {
    this.reopen = reopen
  }

  add(file, answer) {
    this.#entries = [{ file, answer, time: new Date() }, ...this.#entries].slice(0, MOST)
    find("visited").replaceChildren(...this.#entries.map((entry) => this.#item(entry)))
    find("history").hidden = false
  }

  #item({ file, answer, time }) {
    const labels = answer.labels.map(({ label }) => label).join(", ") || "no emotion named"
    const button = make(
      "button",
      { type: "button" },
      make("b", {}, file.name),
      make("span", { lang: answer.language }, labels),
      make("time", { datetime: time.toISOString() }, time.toLocaleTimeString()),
    )
    button.addEventListener("click", () => this.reopen(file, answer))
    return make("li", {}, button)
  }
}
