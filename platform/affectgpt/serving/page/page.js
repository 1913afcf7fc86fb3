// The page: a clip is chosen, the service is asked, and its answer is shown as it comes.

import { Announcer } from "./announcer.js"
import { writeDescription, writeFacts, writeLabels } from "./answer.js"
import { ClipSource } from "./clip_source.js"
import { find, make, seconds } from "./elements.js"
import { Samples } from "./samples.js"
import { describe, readyModel } from "./service.js"
import { Timeline } from "./timeline.js"
import { Visits } from "./visits.js"
import { WheelView } from "./wheel_view.js"

const timeline = new Timeline(find("timeline"), find("player"))
const wheelView = new WheelView()
const announcer = new Announcer(find("spoken"))
const source = new ClipSource(opened, ({ name, message }) => showError({ type: name, message }))
const samples = new Samples(openSample, showError)
const visits = new Visits(reopen)
let file = null
let request = null
let sampleSubtitle = null

function opened(chosen) {
  request?.abort()
  samples.forget()
  forgetSampleSubtitle()
  file = chosen
  clear("Press Describe to ask the model about this clip.")
  timeline.open(file)
  find("describe").disabled = false
}

function openSample(chosen, subtitle) {
  source.open(chosen)
  if (subtitle && !find("subtitle").value) {
    find("subtitle").value = sampleSubtitle = subtitle
    find("words").open = true
  }
  find("describe").focus()
}

// What is said in a sample is not said in the clip that comes after it.
function forgetSampleSubtitle() {
  if (sampleSubtitle !== null && find("subtitle").value === sampleSubtitle) find("subtitle").value = ""
  sampleSubtitle = null
}

function clear(progress) {
  find("progress").textContent = progress
  find("error").replaceChildren()
  find("description").replaceChildren()
  announcer.begin("en")
  for (const id of ["emotions", "more", "incomplete"]) find(id).hidden = true
}

async function ask() {
  const asked = (request = new AbortController())
  const wish = Object.fromEntries([...new FormData(find("wish"))].map(([name, value]) => [name, value.trim()]))
  clear("The clip is sent and read …")
  setBusy(true)
  find("answer").scrollIntoView({ block: "nearest" })
  try {
    await follow({ file, ...wish }, asked.signal)
  } catch (error) {
    if (!asked.signal.aborted) showError(error)
  } finally {
    request = null
    setBusy(false)
  }
}

async function follow(wish, signal) {
  announcer.begin(wish.language)
  find("description").lang = wish.language
  for await (const { name, data } of describe(wish, find("key").value, signal)) {
    signal.throwIfAborted()
    if (name === "clip") {
      find("progress").textContent = "The model writes …"
      timeline.mark(data)
    } else if (name === "text") {
      find("description").append(data.text)
      announcer.add(data.text)
    } else if (name === "done") {
      announcer.end()
      visits.add(wish.file, data)
      show(data)
    }
  }
}

function show(answer) {
  find("progress").textContent = `Done in ${seconds(answer.seconds.total)}.`
  writeDescription(answer)
  writeLabels(answer, (chosen) => {
    writeDescription(answer, chosen?.label)
    timeline.emphasise(chosen?.clues.map(({ sense }) => sense) ?? [])
    wheelView.choose(chosen?.label)
  })
  writeFacts(answer)
  find("incomplete").hidden = answer.complete
  find("more").hidden = false
  wheelView.show(answer.labels.map(({ label }) => label)).catch(showError)
}

function reopen(visited, answer) {
  source.open(visited)
  timeline.mark(answer.clip)
  show(answer)
  find("answer").focus()
}

function setBusy(busy) {
  const hadFocus = document.activeElement === find(busy ? "describe" : "cancel")
  find("describe").disabled = busy
  find("cancel").hidden = !busy
  find("answer").ariaBusy = String(busy)
  if (hadFocus) find(busy ? "cancel" : "describe").focus()
}

function showError({ type, message, requestId, status, retryAfter }) {
  find("progress").textContent = "There is no answer."
  const lines = [make("p", {}, message), make("p", { class: "note" }, requestId ? `${type}, request ${requestId}` : type)]
  if (retryAfter) lines.push(make("p", { class: "note" }, `It may succeed in ${retryAfter} s.`))
  find("error").replaceChildren(...lines)
  if (status === 401) {
    find("key-field").hidden = false
    find("key").focus()
  }
}

async function awaitModel() {
  try {
    const { model, fingerprint } = await readyModel()
    find("model").textContent = `The model ${model} is ready (${fingerprint.slice(0, 12)}).`
  } catch ({ message, retryAfter }) {
    find("model").textContent = message
    if (retryAfter) setTimeout(awaitModel, 1000 * retryAfter)
  }
}

find("wish").addEventListener("submit", (event) => {
  event.preventDefault()
  if (file && !request) ask()
})
find("cancel").addEventListener("click", () => {
  find("progress").textContent = "Cancelled."
  request?.abort()
})
awaitModel()
samples.offer().catch(({ message }) => {
  find("clip-name").textContent = `There are no samples: ${message}`
})
