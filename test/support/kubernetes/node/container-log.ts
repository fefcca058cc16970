import { EventEmitter, once } from 'node:events'

/** Bytes of one entry: what a container runtime splits longer lines at. */
const entryBytes = 16 * 1024

/** Pieces that are sent at once. */
const batch = 256

interface Entry {
  nanoseconds: bigint
  content: Buffer
  /** Whether it begins a line. */
  isStart: boolean
}

export interface ContainerLog {
  append(chunk: Buffer): void
  /** Nothing more is written. */
  end(): void
  /** What is there from `since` on, as the kubelet answers it; waits for more where that is wanted. */
  read(options: {
    since: Date | null
    follow: boolean
    timestamps: boolean
  }): AsyncGenerator<Buffer>
  /** Puts what there is out of reach, as a node does when a file has grown too large. */
  rotate(): void
}

/** The log of one container as a node keeps it: entries with times, in files of which only the newest is read. */
export function createContainerLog(): ContainerLog {
  let file: Entry[] = []
  const changes = new EventEmitter()
  changes.setMaxListeners(0)
  let hasEnded = false
  let isLineStart = true
  let last = 0n
  const now = (): bigint => {
    const at = BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)
    // Clocks of runtimes are no better: several entries may have one time, and none goes back.
    last = at > last ? at : last
    return last
  }
  return {
    append(chunk) {
      const at = now()
      for (let rest = chunk; rest.length > 0;) {
        const end = rest.indexOf(10)
        const size = Math.min(end < 0 ? rest.length : end + 1, entryBytes)
        const content = Buffer.from(rest.subarray(0, size))
        file.push({ nanoseconds: at, content, isStart: isLineStart })
        isLineStart = content.at(-1) === 10
        rest = rest.subarray(size)
      }
      changes.emit('change')
    },
    end() {
      hasEnded = true
      changes.emit('change')
    },
    async *read({ since, follow, timestamps }) {
      const from = since === null ? 0n : BigInt(since.getTime()) * 1_000_000n
      let at = 0
      let read = file
      let isNew = true
      let ready: Buffer[] = []
      for (;;) {
        for (; at < read.length; at++) {
          const { nanoseconds, content } = read[at] as Entry
          const isFirst = isNew
          isNew = content.at(-1) === 10
          if (nanoseconds < from) continue
          if (timestamps && isFirst) ready.push(stampOf(nanoseconds))
          ready.push(content)
          if (ready.length < batch) continue
          yield Buffer.concat(ready)
          ready = []
        }
        if (ready.length > 0) {
          const rest = Buffer.concat(ready)
          ready = []
          yield rest
          continue
        }
        if (read !== file) {
          read = file
          at = 0
          continue
        }
        if (hasEnded || !follow) return
        await once(changes, 'change')
      }
    },
    rotate() {
      file = []
      changes.emit('change')
    },
  }
}

function stampOf(at: bigint): Buffer {
  const seconds = new Date(Number(at / 1_000_000_000n) * 1_000).toISOString().slice(0, 19)
  return Buffer.from(`${seconds}.${String(at % 1_000_000_000n).padStart(9, '0')}Z `)
}
