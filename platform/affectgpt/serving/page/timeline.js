// The clip's sound as a waveform, with the moments of the frames that the model saw.

import { draw, make, seconds } from "./elements.js"

const WIDTH = 600
const HEIGHT = 64
const BARS = 200
const DECODED_RATE = 8000
const LARGEST_DECODED = 100 * 2 ** 20
const THUMBNAIL_HEIGHT = 96

export class Timeline {
  #file = null
  #sound = null
  #clip = null

  constructor(root, player) {
    this.root = root
    this.player = player
    player.addEventListener("timeupdate", () => this.#movePlayhead())
  }

  /** Shows the waveform of another file, once it is decoded. */
  async open(file) {
    this.#file = file
    this.#sound = this.#clip = null
    this.root.replaceChildren()
    this.root.hidden = false
    this.emphasise([])
    this.#drawChart()
    const sound = await decoded(file)
    if (this.#file !== file) return
    this.#sound = sound
    this.#drawChart()
  }

  /** Marks the frames that were used, as the service tells them, and shows them where the browser can. */
  mark(clip) {
    this.#clip = clip
    this.root.replaceChildren()
    this.#drawChart()
    if (clip.subtitle) this.root.append(make("p", { class: "subtitle" }, make("q", {}, clip.subtitle)))
    const times = clip.frame_times_s
    if (!times.length) return
    const frames = times.map((time) => this.#frame(time))
    this.root.prepend(make("ul", { class: "strip", "aria-label": "Frames that the model saw" }, ...frames))
    fillThumbnails(this.#file, times, frames)
  }

  /** Draws attention to what clues of some senses were perceived in. */
  emphasise(senses) {
    for (const sense of ["picture", "voice", "words"]) this.root.classList.toggle(sense, senses.includes(sense))
  }

  get #duration() {
    return this.#clip?.duration_s ?? this.#sound?.duration ?? 0
  }

  #drawChart() {
    this.root.querySelector("svg")?.remove()
    const moments = this.#clip?.frame_times_s ?? []
    const lines = moments.map((time) => line("moment", this.#x(time)))
    if (this.#sound) lines.unshift(waveform(this.#sound, this.#duration))
    const label = "Sound of the clip over time, and the moments of the frames"
    const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }
    const chart = draw("svg", { class: "waveform", ...box }, ...lines, line("playhead", 0))
    chart.addEventListener("click", ({ offsetX }) => this.#seek((this.#duration * offsetX) / chart.clientWidth))
    this.root.insertBefore(chart, this.root.querySelector(".subtitle"))
    this.#movePlayhead()
  }

  #frame(time) {
    const name = seconds(time)
    const button = make("button", { type: "button", "aria-label": `Go to the frame at ${name}` }, make("span", {}, name))
    button.addEventListener("click", () => this.#seek(time))
    return make("li", {}, button)
  }

  #seek(time) {
    if (this.player.readyState) this.player.currentTime = time
  }

  #x(time) {
    return this.#duration ? (WIDTH * Math.min(time, this.#duration)) / this.#duration : 0
  }

  #movePlayhead() {
    const playhead = this.root.querySelector(".playhead")
    playhead?.setAttribute("d", line("playhead", this.#x(this.player.currentTime)).getAttribute("d"))
  }
}

function line(kind, x) {
  return draw("path", { class: kind, d: `M${x.toFixed(1)} 0V${HEIGHT}` })
}

async function decoded(file) {
  if (file.size > LARGEST_DECODED) return null
  // Browsers say in many ways that they cannot decode a file; its waveform is then left out.
  return new OfflineAudioContext(1, 1, DECODED_RATE).decodeAudioData(await file.arrayBuffer()).catch(() => null)
}

function waveform(sound, duration) {
  const samples = sound.getChannelData(0)
  const each = Math.max(1, Math.ceil(samples.length / BARS))
  const peaks = []
  for (let start = 0; start < samples.length; start += each) {
    peaks.push(samples.subarray(start, start + each).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0))
  }
  const loudest = Math.max(...peaks, 1e-3)
  const step = (WIDTH * sound.duration) / duration / peaks.length
  const bars = peaks.map((peak, index) => {
    const half = Math.max(0.5, (0.46 * HEIGHT * peak) / loudest)
    return `M${((index + 0.5) * step).toFixed(1)} ${(HEIGHT / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`
  })
  return draw("path", { class: "sound", d: bars.join("") })
}

async function fillThumbnails(file, times, frames) {
  const video = make("video", { preload: "auto" })
  video.muted = true
  video.src = URL.createObjectURL(file)
  try {
    await once(video, "loadeddata")
    for (const [index, time] of times.entries()) {
      video.currentTime = time
      await once(video, "seeked")
      const width = Math.round((THUMBNAIL_HEIGHT * video.videoWidth) / video.videoHeight)
      const canvas = make("canvas", { width, height: THUMBNAIL_HEIGHT })
      canvas.getContext("2d").drawImage(video, 0, 0, width, THUMBNAIL_HEIGHT)
      frames[index].firstChild.prepend(canvas)
    }
  } catch {
    // What the browser cannot play stays a moment without a picture.
  } finally {
    URL.revokeObjectURL(video.src)
  }
}

function once(video, event) {
  return new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, { once: true })
    video.addEventListener("error", reject, { once: true })
  })
}
