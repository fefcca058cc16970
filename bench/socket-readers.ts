import WebSocket from 'ws'

/** What bench/status-sockets.ts asks of this process: clients that do not share its event loop. */
export type SocketsRequest =
  | { type: 'open'; url: string; token: string; count: number }
  /** Answered once every open client has been told of the run with this id. */
  | { type: 'collect'; runId: number }
  | { type: 'close' }

export type SocketsAnswer =
  | { type: 'opened' }
  /** The moments (hrtime, nanoseconds) at which the clients had it. */
  | { type: 'collected'; arrivals: number[] }

const clients = new Set<WebSocket>()
const arrivals = new Map<number, number[]>()
let wanted: number | undefined

function send(answer: SocketsAnswer) {
  process.send?.(answer)
}

function answerIfComplete() {
  if (wanted === undefined) return
  const moments = arrivals.get(wanted) ?? []
  if (moments.length < clients.size) return
  wanted = undefined
  arrivals.clear()
  send({ type: 'collected', arrivals: moments })
}

function open(url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const client = new WebSocket(url, { headers, perMessageDeflate: false })
    clients.add(client)
    client.on('error', reject)
    client.on('open', () => client.send('{"type":"subscribe","channel":"pipelines"}'))
    client.on('message', (data: Buffer) => {
      const now = Number(process.hrtime.bigint())
      const text = data.toString()
      if (text.startsWith('{"type":"phase2.subscribed"')) return resolve()
      const id = /"runId":(\d+)/.exec(text)?.[1]
      if (id === undefined) return
      const moments = arrivals.get(Number(id)) ?? []
      moments.push(now)
      arrivals.set(Number(id), moments)
      answerIfComplete()
    })
  })
}

async function openAll(url: string, token: string, count: number) {
  for (let opened = 0; opened < count; opened += 50) {
    const some = Math.min(50, count - opened)
    await Promise.all(Array.from({ length: some }, () => open(url, token)))
  }
  send({ type: 'opened' })
}

process.on('message', (message: SocketsRequest) => {
  if (message.type === 'open') {
    void openAll(message.url, message.token, message.count)
  } else if (message.type === 'collect') {
    wanted = message.runId
    answerIfComplete()
  } else {
    for (const client of clients) client.terminate()
    process.disconnect()
  }
})
