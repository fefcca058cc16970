import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What bench/webhooks.ts asks of this process: a receiver that does not share its event loop. */
export interface ReceiverRequest {
  /** Answered once so many more requests have come. */
  wait: number
}

export type ReceiverAnswer =
  | { port: number }
  /** The moments (hrtime, nanoseconds) at which each had come, by the run its event names. */
  | { arrivals: Record<string, number> }

let arrivals: Record<string, number> = {}
let count = 0
let wanted: number | undefined

function answerIfComplete() {
  if (wanted === undefined || count < wanted) return
  count -= wanted
  wanted = undefined
  process.send?.({ arrivals } satisfies ReceiverAnswer)
  arrivals = {}
}

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => void (text += chunk))
  request.on('end', () => {
    const now = Number(process.hrtime.bigint())
    const { data } = JSON.parse(text) as { data: { run_id: string } }
    arrivals[data.run_id] = now
    count += 1
    response.end()
    answerIfComplete()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port } satisfies ReceiverAnswer)
})
process.on('message', (message: ReceiverRequest) => {
  wanted = message.wait
  answerIfComplete()
})
process.on('disconnect', () => process.exit())
