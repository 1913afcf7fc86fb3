// The part of the page with the emotion wheel: which wheel, and the emotions of an answer on it.

import { find, make } from "./elements.js"
import { wheels } from "./service.js"
import { drawWheel, placesOf, writePlaces } from "./wheel.js"

const NARROW = matchMedia("(max-width: 40rem)")

export class WheelView {
  #known = null
  #labels = []
  #chosen = null

  constructor() {
    find("wheel-name").addEventListener("change", () => this.#draw())
    NARROW.addEventListener("change", () => this.#draw())
  }

  /** Shows labels; throws a ServiceError where the wheels cannot be had. */
  async show(labels) {
    this.#labels = labels
    this.#chosen = null
    this.#known ??= await wheels()
    if (!find("wheel-name").length) {
      find("wheel-name").append(...this.#known.wheels.map(({ name, title }) => make("option", { value: name }, title)))
    }
    this.#draw()
  }

  /** Puts one label in front, or none. */
  choose(label) {
    this.#chosen = label
    for (const part of find("wheel").querySelectorAll(".found")) {
      part.classList.toggle("chosen", part.dataset.labels?.includes(JSON.stringify(label)) ?? false)
    }
  }

  #draw() {
    if (!this.#known) return
    const wheel = this.#known.wheels.find(({ name }) => name === find("wheel-name").value)
    const places = placesOf(this.#labels, wheel, this.#known.emotions)
    find("wheel").replaceChildren(drawWheel(wheel, places, NARROW.matches))
    find("places").replaceChildren(...writePlaces(places))
    this.choose(this.#chosen)
  }
}
