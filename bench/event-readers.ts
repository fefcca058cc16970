import { request } from 'node:http'

/** What bench/events.ts asks of this process: readers that do not share its event loop. */
export type ReadersRequest =
  | { type: 'open'; url: string; count: number }
  /** Answered once every open reader has every event of these ids. */
  | { type: 'collect'; ids: number[] }
  | { type: 'close' }

export type ReadersAnswer =
  | { type: 'opened' }
  /** By id, the moments (hrtime, nanoseconds) at which each reader had it. */
  | { type: 'collected'; arrivals: number[][] }

const outgoing = new Set<ReturnType<typeof request>>()
const arrivals = new Map<number, number[]>()
let wanted: number[] | undefined

function send(answer: ReadersAnswer) {
  process.send?.(answer)
}

function answerIfComplete() {
  if (wanted === undefined) return
  const collected = wanted.map((id) => arrivals.get(id) ?? [])
  if (collected.some((moments) => moments.length < outgoing.size)) return
  wanted = undefined
  arrivals.clear()
  send({ type: 'collected', arrivals: collected })
}

function open(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = request(url, { agent: false })
    outgoing.add(reader)
    reader.on('error', reject)
    reader.on('response', (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (chunk: string) => {
        const now = Number(process.hrtime.bigint())
        const blocks = (rest + chunk).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const id = /^id: (\d+)\nevent: /.exec(block)?.[1]
          if (id === undefined) continue
          const moments = arrivals.get(Number(id)) ?? []
          moments.push(now)
          arrivals.set(Number(id), moments)
        }
        answerIfComplete()
        resolve()
      })
    })
    reader.end()
  })
}

async function openAll(url: string, count: number) {
  for (let opened = 0; opened < count; opened += 50) {
    const some = Math.min(50, count - opened)
    await Promise.all(Array.from({ length: some }, () => open(url)))
  }
  send({ type: 'opened' })
}

process.on('message', (message: ReadersRequest) => {
  if (message.type === 'open') {
    void openAll(message.url, message.count)
  } else if (message.type === 'collect') {
    wanted = message.ids
    answerIfComplete()
  } else {
    for (const reader of outgoing) reader.destroy()
    process.disconnect()
  }
})
