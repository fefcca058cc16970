import WebSocket from 'ws'

/** What bench/build-sockets.ts asks of this process: clients that do not share its event loop. */
export type LinesRequest =
  | { type: 'open'; url: string; token: string; count: number }
  /** Answered once every open client was told of all of these lines; they are forgotten then. */
  | { type: 'collect'; from: number; to: number }
  | { type: 'close' }

export type LinesAnswer =
  | { type: 'opened' }
  /** The moments (hrtime, nanoseconds) at which the clients had each line, by its number. */
  | { type: 'collected'; arrivals: [line: number, moments: number[]][] }

const clients = new Set<WebSocket>()
const arrivals = new Map<number, number[]>()
let wanted: { from: number; to: number } | undefined

function send(answer: LinesAnswer) {
  process.send?.(answer)
}

function answerIfComplete() {
  if (wanted === undefined) return
  for (let line = wanted.from; line <= wanted.to; line++) {
    if ((arrivals.get(line)?.length ?? 0) < clients.size) return
  }
  const { from, to } = wanted
  wanted = undefined
  const all = [...arrivals].filter(([line]) => line >= from && line <= to)
  for (const [line] of all) arrivals.delete(line)
  send({ type: 'collected', arrivals: all })
}

function open(url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const client = new WebSocket(url, { headers, perMessageDeflate: false })
    clients.add(client)
    client.on('error', reject)
    client.on('message', (data: Buffer) => {
      const now = Number(process.hrtime.bigint())
      const text = data.toString()
      if (text.startsWith('{"type":"status"')) return resolve()
      const line = /line number (\d+)"/.exec(text)?.[1]
      if (line === undefined) return
      const moments = arrivals.get(Number(line)) ?? []
      moments.push(now)
      arrivals.set(Number(line), moments)
      answerIfComplete()
    })
  })
}

process.on('message', (message: LinesRequest) => {
  if (message.type === 'open') {
    const all = Array.from({ length: message.count }, () => open(message.url, message.token))
    void Promise.all(all).then(() => send({ type: 'opened' }))
  } else if (message.type === 'collect') {
    wanted = message
    answerIfComplete()
  } else {
    for (const client of clients) client.terminate()
    process.disconnect()
  }
})
