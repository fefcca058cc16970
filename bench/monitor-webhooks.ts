import { createHmac, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import examples from '@octokit/webhooks-examples' with { type: 'json' }
import pg from 'pg'
import WebSocket from 'ws'
import { startTestServer } from '../test/support/server.ts'
import { percentiles, round } from './statistics.ts'

const secret = 'a secret that GitHub knows'
/** As many as GitHub has, and as many as serve PostgreSQL best. */
const connections = { deliveries: 64, inserts: 16 }
const rounds = 5
const perRound = 800
const samples = 200
const everyMs = 25
const repositories = 50

/**
 * Deliveries of GitHub's webhook a second that are answered, and so durable, against the bare insert of as
 * many deliveries as they come, each in a transaction of its own, in turns; and milliseconds from the
 * start of a delivery until a socket has the event, at 40 a second. The server stores what they say
 * meanwhile. Payloads are one that GitHub has sent, each about another run. Takes about 20 seconds.
 */
export async function benchMonitorWebhooks(databaseUrl: string): Promise<object> {
  const server = await startTestServer({
    DATABASE_URL: databaseUrl,
    GITHUB_WEBHOOK_SECRET: secret,
    SLIPWAY_ANONYMOUS_STATUS: 'true',
  })
  const pool = new pg.Pool({ connectionString: databaseUrl, max: connections.inserts })
  const agent = new Agent({ keepAlive: true, maxSockets: connections.deliveries })
  const url = `${server.url}/api/v2/webhooks/github`
  const send = (deliveries: readonly Delivery[]) =>
    secondsOf(connections.deliveries, deliveries, (delivery) => post(agent, url, delivery))
  const insert = (deliveries: readonly Delivery[]) =>
    secondsOf(connections.inserts, deliveries, ({ headers, body }) =>
      pool.query('insert into bare_deliveries (delivery_id, event, body) values ($1, $2, $3)', [
        headers['x-github-delivery'],
        headers['x-github-event'],
        body,
      ]),
    )
  try {
    const latency = await measureLatency(url, agent, server.url)
    await pool.query(
      `create table bare_deliveries (
         delivery_id text primary key, event text not null, body bytea not null,
         received_at timestamptz not null default now())`,
    )
    await send(makeDeliveries(500, 1_000))
    await insert(makeDeliveries(500, 1_000))
    const taken: number[] = []
    const inserted: number[] = []
    for (let round = 1; round <= rounds; round++) {
      const deliveries = makeDeliveries(perRound, round * 10_000)
      inserted.push(await insert(deliveries))
      taken.push(await send(deliveries))
    }
    const begun = performance.now()
    while (await isStoring(pool)) await sleep(20)
    const floorPerSecond = ratePerSecond(inserted)
    const perSecond = ratePerSecond(taken)
    const ratio = round(perSecond / floorPerSecond)
    return {
      bodyBytes: makeDeliveries(1, 1)[0]?.body.length,
      durable: { floorPerSecond, perSecond, ratio },
      storedAfterMs: round(performance.now() - begun, 0),
      deliveryToSubscriberMs: latency,
      goal: { ratio: 0.5, deliveryToSubscriberMs: 20 },
      reached: ratio >= 0.5 && latency.p50 <= 20,
    }
  } finally {
    agent.destroy()
    await pool.end()
    await server.close()
  }
}

function ratePerSecond(seconds: readonly number[]): number {
  return round((perRound * seconds.length) / seconds.reduce((sum, one) => sum + one, 0), 0)
}

async function isStoring(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `select 1 from github_deliveries where status = 'pending' limit 1`,
  )
  return rows.length > 0
}

interface Delivery {
  runId: number
  headers: Record<string, string>
  body: Buffer
}

function makeDeliveries(count: number, firstId: number): Delivery[] {
  const recorded = examples as unknown as { name: string; examples: Payload[] }[]
  const all = recorded.find(({ name }) => name === 'workflow_run')?.examples
  const payload = all?.find(({ action }) => action === 'requested')
  if (payload === undefined) throw new Error('There is no recorded delivery')
  return Array.from({ length: count }, (_, index) => {
    const runId = firstId + index
    const n = index % repositories
    const body = Buffer.from(
      JSON.stringify({
        ...payload,
        workflow_run: { ...payload.workflow_run, id: runId },
        repository: { ...payload.repository, id: n + 1, full_name: `bench/repository-${n}` },
      }),
    )
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    const headers = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-github-event': 'workflow_run',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    }
    return { runId, headers, body }
  })
}

interface Payload {
  action: string
  workflow_run: Record<string, unknown>
  repository: Record<string, unknown>
}

async function measureLatency(url: string, agent: Agent, base: string) {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws`)
  const arrivals = new Map<number, number>()
  const subscribed = new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => socket.send('{"type":"phase2.subscribe","channels":["pipelines"]}'))
    socket.on('message', (data: Buffer) => {
      const now = performance.now()
      const message = JSON.parse(data.toString('utf8')) as {
        type: string
        event?: string
        data?: { runId?: number }
      }
      if (message.type === 'phase2.subscribed') resolve()
      if (message.event !== 'pipeline:started' || message.data?.runId === undefined) return
      arrivals.set(message.data.runId, now)
    })
  })
  await subscribed
  const begun = new Map<number, number>()
  for (const delivery of makeDeliveries(samples + 20, 1)) {
    begun.set(delivery.runId, performance.now())
    await post(agent, url, delivery)
    await sleep(everyMs)
  }
  while (arrivals.size < begun.size) await sleep(10)
  socket.close()
  // The first ones warm up.
  const measured = [...begun].slice(20)
  return percentiles(measured.map(([id, at]) => (arrivals.get(id) ?? Number.NaN) - at))
}

async function secondsOf<T>(
  lanes: number,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<number> {
  const queue = items.values()
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const item of queue) await work(item)
    }),
  )
  return (performance.now() - begun) / 1_000
}

function post(agent: Agent, url: string, { headers, body }: Delivery): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 202) reject(new Error(`${url}: ${response.statusCode}`))
      response.on('end', resolve).on('error', reject).resume()
    })
    outgoing.on('error', reject).end(body)
  })
}
