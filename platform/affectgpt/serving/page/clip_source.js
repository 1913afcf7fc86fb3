// Where a clip comes from: dropped, chosen or recorded. It is played at once.

import { find, seconds } from "./elements.js"
import { Recording, canRecord } from "./recording.js"

const TICK_MS = 200

export class ClipSource {
  #recording = null

  /** Sets up; `opened` is told each new file, `failed` why a recording could not be made. */
  constructor(opened, failed) {
    this.opened = opened
    this.failed = failed
    this.player = find("player")
    find("file").addEventListener("change", ({ target }) => {
      if (target.files.length) this.open(target.files[0])
      // So that the same file may be chosen again.
      target.value = ""
    })
    this.#acceptDrops()
    find("record-video").addEventListener("click", () => this.#record(true))
    find("record-voice").addEventListener("click", () => this.#record(false))
    find("stop").addEventListener("click", () => this.#recording?.stop())
    find("record-video").hidden = find("record-voice").hidden = !canRecord()
    find("no-recording").hidden = canRecord()
    this.player.addEventListener("error", () => this.#showPlayer(false))
  }

  /** Shows a file and tells of it. */
  open(file) {
    this.show(file)
    this.opened(file)
  }

  /** Shows a file in the player. */
  show(file) {
    if (this.player.src) URL.revokeObjectURL(this.player.src)
    this.player.srcObject = null
    this.player.muted = false
    this.player.controls = true
    this.player.src = URL.createObjectURL(file)
    this.#showPlayer(true)
    find("clip-name").textContent = `${file.name}, ${(file.size / 1e6).toFixed(file.size < 1e7 ? 2 : 0)} MB`
  }

  #showPlayer(playable) {
    this.player.hidden = !playable
    find("unplayable").hidden = playable
    find("drop").classList.add("filled")
  }

  #acceptDrops() {
    const drop = find("drop")
    // A file that is dropped beside the field must not replace the page.
    addEventListener("dragover", (event) => event.preventDefault())
    addEventListener("drop", (event) => event.preventDefault())
    drop.addEventListener("dragover", () => drop.classList.add("over"))
    drop.addEventListener("dragleave", () => drop.classList.remove("over"))
    drop.addEventListener("drop", ({ dataTransfer }) => {
      drop.classList.remove("over")
      if (dataTransfer.files.length && !this.#recording) this.open(dataTransfer.files[0])
    })
  }

  async #record(withVideo) {
    try {
      this.#recording = await Recording.begin(withVideo)
    } catch (error) {
      this.failed(error)
      return
    }
    const ticking = this.#showRecording(withVideo)
    const file = await this.#recording.file
    clearInterval(ticking)
    this.#recording = null
    this.#offerSources(true)
    this.open(file)
    find("describe").focus()
  }

  #showRecording(withVideo) {
    this.#offerSources(false)
    find("stop").focus()
    find("clip-name").textContent = "Recording"
    if (withVideo) {
      this.player.srcObject = this.#recording.stream
      this.player.muted = true
      this.player.controls = false
      this.#showPlayer(true)
      this.player.play()
    }
    return setInterval(() => {
      find("stop").textContent = `Stop recording (${seconds(Math.round(this.#recording.seconds))})`
    }, TICK_MS)
  }

  #offerSources(offered) {
    for (const id of ["record-video", "record-voice", "file"]) find(id).disabled = !offered
    find("sources").classList.toggle("busy", !offered)
    find("samples").inert = !offered
    find("stop").hidden = offered
    find("stop").textContent = "Stop recording"
  }
}
