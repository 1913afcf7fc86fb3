// Records a clip with camera and microphone, or with the microphone alone.

const LONGEST_S = 60

/** Whether this browser lets this page record. */
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder)

/** One recording, from when the devices are there until it is stopped. */
export class Recording {
  /** Asks for the devices and begins; throws what the browser says where they cannot be had. */
  static async begin(withVideo) {
    return new Recording(await navigator.mediaDevices.getUserMedia({ audio: true, video: withVideo }))
  }

  constructor(stream) {
    this.stream = stream
    this.began = performance.now()
    this.recorder = new MediaRecorder(stream)
    const pieces = []
    this.recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data))
    /** Resolves to the recorded file. */
    this.file = new Promise((resolve) => {
      this.recorder.addEventListener("stop", () => resolve(this.#asFile(pieces)))
    })
    this.recorder.start()
    this.limit = setTimeout(() => this.stop(), 1000 * LONGEST_S)
  }

  get seconds() {
    return (performance.now() - this.began) / 1000
  }

  stop() {
    clearTimeout(this.limit)
    if (this.recorder.state !== "inactive") this.recorder.stop()
    this.stream.getTracks().forEach((track) => track.stop())
  }

  #asFile(pieces) {
    const type = this.recorder.mimeType.split(";")[0]
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-")
    return new File(pieces, `recording-${time}.${type.split("/")[1]}`, { type })
  }
}
