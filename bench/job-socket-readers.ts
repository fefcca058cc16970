import WebSocket from 'ws'

/** What bench/job-sockets.ts asks of this process: clients that do not share its event loop. */
export type JobSocketsRequest =
  | { type: 'open'; url: string; count: number }
  /** Answered once every open client has been told of the job with this id. */
  | { type: 'collect'; jobId: string }
  | { type: 'close' }

export type JobSocketsAnswer =
  | { type: 'opened' }
  /** The moments (hrtime, nanoseconds) at which the clients had it. */
  | { type: 'collected'; arrivals: number[] }

const clients = new Set<WebSocket>()
const arrivals = new Map<string, number[]>()
let wanted: string | undefined

function send(answer: JobSocketsAnswer) {
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

/** Speaks as much of socket.io as a subscriber needs: a client of its own would be what is measured. */
function open(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`)
    clients.add(client)
    client.on('error', reject)
    client.on('message', (data: Buffer) => {
      const now = Number(process.hrtime.bigint())
      const text = data.toString()
      if (text.startsWith('0')) return client.send('40{"token":"bench"}')
      if (text === '2') return client.send('3')
      if (text.startsWith('40')) return client.send('420["subscribe:repository","bench/jobs"]')
      if (text.startsWith('430')) return resolve()
      const id = /"jobId":"([^"]+)"/.exec(text)?.[1]
      if (id === undefined) return
      const moments = arrivals.get(id) ?? []
      moments.push(now)
      arrivals.set(id, moments)
      answerIfComplete()
    })
  })
}

async function openAll(url: string, count: number) {
  for (let opened = 0; opened < count; opened += 50) {
    const some = Math.min(50, count - opened)
    await Promise.all(Array.from({ length: some }, () => open(url)))
  }
  send({ type: 'opened' })
}

process.on('message', (message: JobSocketsRequest) => {
  if (message.type === 'open') {
    void openAll(message.url, message.count)
  } else if (message.type === 'collect') {
    wanted = message.jobId
    answerIfComplete()
  } else {
    for (const client of clients) client.terminate()
    process.disconnect()
  }
})
