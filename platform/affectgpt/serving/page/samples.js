// Sample clips that the service offers, each with its first picture where it has one.

import { find, make } from "./elements.js"
import { sampleFile, sampleUrl, samples } from "./service.js"

// Where nobody draws in the first moments of a clip, there is something to see a little later.
const SHOWN_AT_S = 0.5

export class Samples {
  #fetching = null

  /** Sets up; `chosen` is told the file and the subtitle of a sample that is chosen, `failed` why it is not there. */
  constructor(chosen, failed) {
    this.chosen = chosen
    this.failed = failed
    this.near = new IntersectionObserver((seen) => this.#draw(seen), { rootMargin: "200px" })
  }

  /** Offers what the service has; nothing where it has none. */
  async offer() {
    const offered = await samples()
    find("sample-list").replaceChildren(...offered.map((sample) => this.#item(sample)))
    find("samples").hidden = !offered.length
  }

  /** Forgets a sample that is still on its way, since another clip has been chosen. */
  forget() {
    this.#fetching?.abort()
    this.#fetching = null
  }

  #item({ name, subtitle }) {
    const picture = make("video", { muted: "", playsinline: "", preload: "metadata", tabindex: "-1", "aria-hidden": "true" })
    picture.dataset.url = `${sampleUrl(name)}#t=${SHOWN_AT_S}`
    const button = make("button", { type: "button", title: name }, make("span", { class: "thumbnail" }, picture), name)
    button.addEventListener("click", () => this.#choose(name, subtitle))
    this.near.observe(picture)
    return make("li", {}, button)
  }

  #draw(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue
      this.near.unobserve(target)
      target.addEventListener("loadeddata", () => target.classList.toggle("seen", target.videoWidth > 0))
      target.src = target.dataset.url
    }
  }

  async #choose(name, subtitle) {
    this.forget()
    const fetching = (this.#fetching = new AbortController())
    find("clip-name").textContent = `${name} is fetched …`
    try {
      const file = await sampleFile(name, fetching.signal)
      if (!fetching.signal.aborted) this.chosen(file, subtitle)
    } catch (error) {
      if (fetching.signal.aborted) return
      find("clip-name").textContent = ""
      this.failed(error)
    }
  }
}
