import type { TestServer } from '../test/support/server.ts'

/** One event stream for all runs, so that nothing is asked meanwhile. */
export interface RunEvents {
  /** Resolves when the run has succeeded, with when that was heard; rejects if it ended otherwise. */
  success(runId: string): Promise<number>
  close(): void
}

export async function openRunEvents(server: TestServer): Promise<RunEvents> {
  const stop = new AbortController()
  const query = 'types=pipeline.run.completed'
  const response = await server.request('GET', `/v1/events?${query}`, { signal: stop.signal })
  const ended = new Map<string, { at: number; status: string }>()
  const waiting = new Set<() => void>()
  void (async () => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('utf8')
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data === undefined) continue
        const event = JSON.parse(data) as { data: { run_id: string; status: string } }
        ended.set(event.data.run_id, { at: performance.now(), status: event.data.status })
        for (const wake of waiting) wake()
        waiting.clear()
      }
    }
  })().catch(() => undefined)
  return {
    async success(runId) {
      while (!ended.has(runId)) await new Promise<void>((resolve) => waiting.add(resolve))
      const end = ended.get(runId)
      if (end?.status !== 'success') throw new Error(`run ${runId} ended as ${end?.status}`)
      return end.at
    },
    close: () => stop.abort(),
  }
}
