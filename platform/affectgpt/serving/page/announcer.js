// Tells screen readers a text that grows, in whole sentences.

const LAST_END = /^.*[.!?。！？](?=\s|$|[\u4e00-\u9fff])/s

export class Announcer {
  #waiting = ""

  /** Sets up for a live region. */
  constructor(region) {
    this.region = region
  }

  begin(language) {
    this.#waiting = ""
    this.region.lang = language
    this.region.textContent = ""
  }

  /** Takes what is new of the text. */
  add(text) {
    this.#waiting += text
    const [sentences] = this.#waiting.match(LAST_END) ?? [null]
    if (sentences) this.#tell(sentences)
  }

  /** Tells what is left. */
  end() {
    if (this.#waiting.trim()) this.#tell(this.#waiting)
  }

  #tell(sentences) {
    this.#waiting = this.#waiting.slice(sentences.length)
    this.region.textContent = sentences
  }
}
