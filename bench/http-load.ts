import { Agent, request } from 'node:http'
import { percentiles, round } from './statistics.ts'

export interface Target {
  url: string
  headers?: Record<string, string>
}

/** Requests a second with `connections` always busy. */
export async function saturate(target: Target, seconds: number, connections = 16): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const until = performance.now() + seconds * 1000
  let done = 0
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        await get(agent, target)
        done++
      }
    }),
  )
  agent.destroy()
  return round((done / (performance.now() - started)) * 1000, 0)
}

/** Latencies in milliseconds at a steady rate, counted from when a request was due. */
export async function pace(target: Target, rate: number, seconds: number, connections = 64) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const samples: number[] = []
  const started = performance.now()
  const pending: Promise<void>[] = []
  const total = Math.floor(rate * seconds)
  for (let sent = 0; sent < total;) {
    const due = started + (sent / rate) * 1000
    const wait = due - performance.now()
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
    const at = Math.max(due, started)
    pending.push(get(agent, target).then(() => void samples.push(performance.now() - at)))
    sent++
  }
  await Promise.all(pending)
  agent.destroy()
  return percentiles(samples)
}

function get(agent: Agent, { url, headers = {} }: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`))
      response.on('end', resolve).on('error', reject).resume()
    })
    outgoing.on('error', reject).end()
  })
}
