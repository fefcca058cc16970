import type { DockerMessage } from '../../../docker/index.ts'
import type { ImageOutput } from '../../../ports/image-engine.ts'
import { type BuildTrace, decodeTrace, type Vertex } from './decode-trace.ts'

/** Follows one build: hands on what is printed, and remembers what came of it. */
export interface BuildFollower {
  take(message: DockerMessage): Promise<void>
  /** `sha256:…` of the image; null as long as there is none. */
  readonly imageId: string | null
  /** Of the builder before BuildKit: the image of the last line that was done. */
  readonly intermediate: string | null
  /** Why it failed, in the engine's words; null as long as it has not. */
  readonly failure: string | null
}

/** Understands BuildKit (its reports, `moby.buildkit.*`) and the builder before it (its text). */
export function followBuild(output: ImageOutput): BuildFollower {
  let imageId: string | null = null
  let intermediate: string | null = null
  let failure: string | null = null
  let best = 0
  const print = printTrace(output)

  /** Forward only: BuildKit learns on the way how much there is to be done. */
  function report(done: number, of: number): void {
    const percent = of === 0 ? 0 : Math.min(99, Math.floor((done / of) * 100))
    if (percent > best) output.progress((best = percent))
  }

  return {
    get imageId() {
      return imageId
    },
    get intermediate() {
      return intermediate
    },
    get failure() {
      return failure
    },
    async take(message) {
      const { id, aux, stream, error, errorDetail, status } = message
      if (typeof error === 'string') {
        const { message: detail } = errorDetail ?? {}
        failure = typeof detail === 'string' && detail !== '' ? detail : error
      } else if (id === 'moby.buildkit.trace' && typeof aux === 'string') {
        const trace = decodeTrace(Buffer.from(aux, 'base64'))
        const { done, known } = await print(trace)
        report(done, known)
      } else if (aux !== null && typeof aux === 'object' && 'ID' in aux) {
        imageId = String(aux.ID)
      } else if (typeof stream === 'string') {
        await output.write(Buffer.from(stream))
        intermediate = /^ ---> ([0-9a-f]{12,64})$/m.exec(stream)?.[1] ?? intermediate
        const [, step, steps] = /^Step (\d+)\/(\d+) :/.exec(stream) ?? []
        if (step !== undefined) report(Number(step) - 1, Number(steps))
      } else if (typeof status === 'string' && message.progressDetail?.total === undefined) {
        await output.write(Buffer.from(`${id === undefined ? '' : `${id}: `}${status}\n`))
      }
    },
  }
}

interface Known {
  /** The order in which it was met, from 1. */
  number: number
  name: string
  isDone: boolean
  startedAt: number
}

/**
 * Prints reports of BuildKit. What pieces of work print may come from several at once: a line says
 * whose it is whenever that changes, and what they print stays as it is.
 */
function printTrace(output: ImageOutput) {
  const known = new Map<string, Known>()
  let done = 0
  /** Whose output was printed last, and whether its line has ended. */
  let last: Known | null = null
  let isLineOpen = false

  async function say(text: string): Promise<void> {
    const lead = isLineOpen ? '\n' : ''
    isLineOpen = false
    await output.write(Buffer.from(`${lead}${text}\n`))
  }

  const labelOf = ({ number, name }: Known) => `#${number} ${name}`

  async function takeVertex(vertex: Vertex): Promise<void> {
    let entry = known.get(vertex.digest)
    if (entry === undefined) {
      const number = known.size + 1
      entry = { number, name: vertex.name, isDone: false, startedAt: 0 }
      known.set(vertex.digest, entry)
    }
    if (vertex.started && entry.startedAt === 0) {
      entry.startedAt = performance.now()
      await say(labelOf(entry))
      last = entry
    }
    const ends = vertex.completed || vertex.cached || vertex.error !== ''
    if (!ends || entry.isDone) return
    entry.isDone = true
    done += 1
    const seconds = ((performance.now() - entry.startedAt) / 1000).toFixed(1)
    const end = vertex.error === '' ? (vertex.cached ? 'cached' : `${seconds} s`) : vertex.error
    await say(`#${entry.number} ${vertex.error === '' ? 'done' : 'failed'}: ${end}`)
    last = null
  }

  return async (trace: BuildTrace): Promise<{ done: number; known: number }> => {
    const ended = trace.vertexes.filter(({ completed }) => completed)
    for (const vertex of trace.vertexes) {
      if (!vertex.completed) await takeVertex(vertex)
      // Begun and ended in one report: what it printed comes in between.
      else if (vertex.started)
        await takeVertex({ ...vertex, completed: false, cached: false, error: '' })
    }
    for (const { vertex, message } of trace.logs) {
      if (message.length === 0) continue
      const entry = known.get(vertex) ?? null
      if (entry !== null && entry !== last) await say(labelOf(entry))
      last = entry
      await output.write(message)
      isLineOpen = message.at(-1) !== 10
    }
    for (const vertex of ended) await takeVertex(vertex)
    for (const warning of trace.warnings) await say(`warning: ${warning}`)
    return { done, known: known.size }
  }
}
