import { Agent, type IncomingMessage, request } from 'node:http'

/** A Docker engine by its API alone: what Slipway is measured against, and what says when. */
export interface Engine {
  /** Milliseconds since 1970, with parts of them; by the same clock as the engine's. */
  now(): number
  /** When the engine said that the container of this name has started; waits for it. */
  started(name: string): Promise<number>
  /** Creates and starts a container; answers its id. */
  run(name: string, spec: { image: string; command: readonly string[] }): Promise<string>
  remove(id: string): Promise<void>
  /** The lines of a container until it ends: when the engine had each, and when it was here. */
  follow(name: string): Promise<{ line: string; at: number; arrived: number }[]>
  close(): void
}

export function openEngine(socketPath: string): Engine {
  const agent = new Agent({ keepAlive: true })
  const starts = new Map<string, number>()
  const waiting = new Map<string, (at: number) => void>()
  const now = () => performance.timeOrigin + performance.now()

  const open = (method: string, path: string, body?: object) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const asked = request({ socketPath, path, method, headers, agent }, resolve)
      asked.on('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const ask = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await open(method, path, body)
    let text = ''
    for await (const chunk of answer) text += String(chunk)
    if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${path}: ${text}`)
    return text
  }

  const filters = encodeURIComponent('{"type":["container"],"event":["start"]}')
  let events: IncomingMessage | null = null
  const listening = open('GET', `/events?filters=${filters}`).then((answer) => {
    events = answer
    let rest = ''
    answer.on('error', () => {})
    answer.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts.filter((text) => text !== '')) {
        const { Actor, timeNano } = JSON.parse(part) as {
          Actor: { Attributes: { name: string } }
          timeNano: number
        }
        const { name } = Actor.Attributes
        starts.set(name, timeNano / 1e6)
        waiting.get(name)?.(timeNano / 1e6)
      }
    })
  })

  return {
    now,
    async started(name) {
      await listening
      const at = starts.get(name)
      if (at !== undefined) return at
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${name} does not start`)), 60_000)
        waiting.set(name, (moment) => {
          clearTimeout(timer)
          waiting.delete(name)
          resolve(moment)
        })
      })
    },
    async run(name, { image, command }) {
      await listening
      const spec = { Image: image, Cmd: command, HostConfig: { NetworkMode: 'none' } }
      const made = await ask('POST', `/containers/create?name=${name}`, spec)
      const { Id: id } = JSON.parse(made) as { Id: string }
      await ask('POST', `/containers/${id}/start`)
      return id
    },
    remove: async (id) => void (await ask('DELETE', `/containers/${id}?force=1`)),
    async follow(name) {
      const path = `/containers/${name}/logs?follow=1&stdout=1&timestamps=1`
      const lines: { line: string; at: number; arrived: number }[] = []
      for await (const chunk of await open('GET', path)) {
        const arrived = now()
        // A frame's head is in front of each line; the line itself is ours, and short.
        for (const [, stamp = '', line = ''] of String(chunk).matchAll(
          /(\d{4}-\d\d-\d\dT[\d:.]+Z) (line \d+ \.)/g,
        )) {
          lines.push({ line, at: parseNanos(stamp), arrived })
        }
      }
      return lines
    },
    close() {
      events?.destroy()
      agent.destroy()
    },
  }
}

/** Milliseconds, with what `Date.parse` leaves out. */
function parseNanos(stamp: string): number {
  const [, fraction = '0'] = /\.(\d+)Z$/.exec(stamp) ?? []
  return Date.parse(stamp.replace(/\.\d+Z$/, 'Z')) + Number(`0.${fraction}`) * 1_000
}
