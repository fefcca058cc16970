/** What BuildKit reports of a build (moby.buildkit.v1.StatusResponse), as far as it is shown. */
export interface BuildTrace {
  vertexes: Vertex[]
  statuses: VertexStatus[]
  logs: VertexLog[]
  warnings: string[]
}

/** One piece of work, such as a RUN line. */
export interface Vertex {
  digest: string
  name: string
  cached: boolean
  started: boolean
  completed: boolean
  error: string
}

/** How far a part of a vertex is: a layer that is fetched, the image that is written. */
export interface VertexStatus {
  id: string
  vertex: string
  current: number
  total: number
}

export interface VertexLog {
  vertex: string
  message: Buffer
}

/** One field of a message of Protocol Buffers. */
interface Field {
  number: number
  /** Of a varint; 0 for everything else. */
  value: number
  /** Of a text, bytes or a message; empty for everything else. */
  content: Buffer
}

/**
 * Reads the report that an item `moby.buildkit.trace` holds. Fields that are not known are skipped, as
 * Protocol Buffers demand; what is no such message is an error.
 */
export function decodeTrace(message: Buffer): BuildTrace {
  const trace: BuildTrace = { vertexes: [], statuses: [], logs: [], warnings: [] }
  for (const { number, content } of fieldsOf(message)) {
    if (number === 1) trace.vertexes.push(vertexOf(content))
    else if (number === 2) trace.statuses.push(statusOf(content))
    else if (number === 3) trace.logs.push(logOf(content))
    else if (number === 4) trace.warnings.push(textOf(content, 3))
  }
  return trace
}

function vertexOf(message: Buffer): Vertex {
  const fields = [...fieldsOf(message)]
  const has = (number: number) => fields.some((field) => field.number === number)
  return {
    digest: textOf(message, 1),
    name: textOf(message, 3),
    cached: fields.some((field) => field.number === 4 && field.value !== 0),
    started: has(5),
    completed: has(6),
    error: textOf(message, 7),
  }
}

function statusOf(message: Buffer): VertexStatus {
  const fields = [...fieldsOf(message)]
  const valueOf = (number: number) => fields.find((field) => field.number === number)?.value ?? 0
  const [id, vertex] = [textOf(message, 1), textOf(message, 2)]
  return { id, vertex, current: valueOf(4), total: valueOf(5) }
}

function logOf(message: Buffer): VertexLog {
  const content = [...fieldsOf(message)].find(({ number }) => number === 4)?.content
  return { vertex: textOf(message, 1), message: content ?? Buffer.alloc(0) }
}

function textOf(message: Buffer, wanted: number): string {
  for (const { number, content } of fieldsOf(message)) {
    if (number === wanted) return content.toString()
  }
  return ''
}

/** The fields of a message, in their order (Protocol Buffers, "Encoding"). */
function* fieldsOf(message: Buffer): Generator<Field> {
  const empty = message.subarray(0, 0)
  let at = 0
  const varint = (): number => {
    let value = 0
    // In powers, not shifts: those are of 32 bits. What is beyond 2^53 is imprecise, and no figure here.
    for (let power = 1; ; power *= 128) {
      const byte = message[at++]
      if (byte === undefined || power > 2 ** 63) throw new Error('the report ends early')
      value += (byte & 127) * power
      if (byte < 128) return value
    }
  }
  const take = (size: number): Buffer => {
    if (at + size > message.length) throw new Error('the report ends early')
    at += size
    return message.subarray(at - size, at)
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const wire = tag % 8
    if (wire === 0) yield { number, value: varint(), content: empty }
    else if (wire === 1) take(8)
    else if (wire === 2) yield { number, value: 0, content: take(varint()) }
    else if (wire === 5) take(4)
    else throw new Error('the report is not one of BuildKit')
  }
}
