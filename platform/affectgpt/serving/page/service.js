// Asks the service that this page came from, and reads its answers.

/** Why there is no answer, as the service says it. */
export class ServiceError extends Error {
  constructor({ type, message, request_id: requestId }, status, retryAfter = null) {
    super(message)
    Object.assign(this, { type, requestId, status, retryAfter })
  }
}

/** Says which model is ready; throws a ServiceError with `retryAfter` in seconds while none is. */
export async function readyModel() {
  return (await asked("readyz")).json()
}

/** Gives the wheels and the words that have a place on them. */
export async function wheels() {
  return (await asked("page/wheels.json")).json()
}

/** Lists the sample clips as {name, subtitle}, the subtitle being null where nobody knows it. */
export async function samples() {
  return (await asked("page/samples.json")).json()
}

/** Where a sample clip is. */
export const sampleUrl = (name) => `page/samples/${encodeURIComponent(name)}`

/** Gives a sample clip as a file. */
export async function sampleFile(name, signal) {
  const content = await (await asked(sampleUrl(name), { signal })).blob()
  return new File([content], name, { type: content.type })
}

/**
 * Asks for the description of a clip and yields its events as {name, data}; the last one is "done".
 * @param {Object} wish file, language, subtitle and question; the last two may be empty.
 * @param {string} key sent as bearer key unless it is empty.
 * @param {AbortSignal} signal ends the request.
 */
export async function* describe({ file, language, subtitle, question }, key, signal) {
  const form = new FormData()
  form.append("language", language)
  form.append("stream", "true")
  if (subtitle) form.append("subtitle", subtitle)
  if (question) form.append("question", question)
  form.append("file", file, file.name)
  const headers = key ? { Authorization: `Bearer ${key}` } : {}
  const response = await asked("v1/describe", { method: "POST", body: form, headers, signal })
  for await (const event of events(response.body)) {
    if (event.name === "error") throw new ServiceError(event.data.error, response.status)
    yield event
    if (event.name === "done") return
  }
  const id = response.headers.get("X-Request-Id")
  throw new ServiceError({ type: "connection-lost", message: "the answer broke off; try again", request_id: id }, 0)
}

async function asked(path, options) {
  let response
  try {
    response = await fetch(path, options)
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new ServiceError({ type: "unreachable", message: "the service cannot be reached; try again later" }, 0)
  }
  if (response.ok) return response
  const id = response.headers.get("X-Request-Id")
  const unknown = { type: `http-${response.status}`, message: response.statusText || "no answer", request_id: id }
  const { error = unknown } = await response.json().catch(() => ({}))
  throw new ServiceError(error, response.status, Number(response.headers.get("Retry-After")) || null)
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let unread = ""
  for (;;) {
    const { done, value } = await reader.read().catch(endUnlessAborted)
    if (done) return
    const blocks = (unread + value).split("\n\n")
    unread = blocks.pop()
    for (const block of blocks) yield parsed(block)
  }
}

function endUnlessAborted(error) {
  if (error.name === "AbortError") throw error
  return { done: true }
}

function parsed(block) {
  const fields = block.split("\n").map((line) => line.split(/: (.*)/s))
  const { event, data } = Object.fromEntries(fields)
  return { name: event, data: JSON.parse(data) }
}
