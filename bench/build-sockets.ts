import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { openBuildSocketsOn } from '../test/support/build-sockets.ts'
import type { LinesAnswer, LinesRequest } from './line-readers.ts'
import { percentiles, round } from './statistics.ts'

const readers = 100
const lines = 400
const everyMs = 10

/**
 * Milliseconds from the moment at which a worker writes a line of a build's log until each of 100 sockets,
 * in another process, has it, against a bare relay of the same frames by `ws`, which keeps nothing. Takes
 * about 10 seconds.
 */
export async function benchBuildSockets(url: string): Promise<object> {
  const sockets = await openBuildSocketsOn(url, async () => ({
    id: 'bench',
    name: 'bench',
    roles: ['viewer'],
    repositories: null,
  }))
  const bare = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  bare.on('connection', (socket) => socket.send('{"type":"status"}'))
  await once(bare, 'listening')
  const ours = startReaders()
  const floor = startReaders()
  try {
    const build = await sockets.create()
    const log = await build.begin()
    await ours.ask({ type: 'open', url: sockets.url(build.id), token: 'bench', count: readers })
    const bareUrl = `ws://127.0.0.1:${(bare.address() as AddressInfo).port}`
    await floor.ask({ type: 'open', url: bareUrl, token: 'bench', count: readers })
    const sent = { ours: new Map<number, number>(), floor: new Map<number, number>() }
    // In turns, so that whatever else the machine does slows both.
    for (let line = 1; line <= lines; line++) {
      sent.floor.set(line, Number(process.hrtime.bigint()))
      const frame = Buffer.from(frameLike(line))
      for (const client of bare.clients) client.send(frame, { binary: false })
      await sleep(everyMs)
      sent.ours.set(line, Number(process.hrtime.bigint()))
      void log.write(Buffer.from(`line number ${line}\n`))
      await sleep(everyMs)
    }
    const floorMs = percentiles(await waits(floor, sent.floor))
    const ms = percentiles(await waits(ours, sent.ours))
    await build.complete()
    const ratio = round(ms.p50 / floorMs.p50)
    return { readers, lines, goal: { p99: 20 }, floorMs, ms, ratio, reached: ms.p99 <= 20 }
  } finally {
    await ours.close()
    await floor.close()
    bare.close()
    await sockets.close()
  }
}

function frameLike(line: number): string {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ type: 'log', seq: line, timestamp, line: `line number ${line}` })
}

async function waits(
  { ask }: ReturnType<typeof startReaders>,
  sent: ReadonlyMap<number, number>,
): Promise<number[]> {
  const answer = await ask({ type: 'collect', from: 1, to: lines })
  if (answer.type !== 'collected') throw new Error(`Unexpected answer ${answer.type}`)
  return answer.arrivals.flatMap(([line, moments]) =>
    moments.map((moment) => (moment - (sent.get(line) ?? moment)) / 1e6),
  )
}

function startReaders() {
  const child = fork(new URL('./line-readers.ts', import.meta.url))
  return {
    async ask(request: LinesRequest): Promise<LinesAnswer> {
      child.send(request)
      const signal = AbortSignal.timeout(30_000)
      const [answer] = (await once(child, 'message', { signal })) as [LinesAnswer]
      return answer
    },
    async close() {
      const exit = once(child, 'exit')
      child.send({ type: 'close' } satisfies LinesRequest)
      await exit
    },
  }
}
