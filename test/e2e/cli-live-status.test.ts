// `slipway status --watch` on a terminal, of any size.
import { PassThrough } from 'node:stream'
import type { Pipeline, PipelineStatusResponse } from '@slipway/contract/pipelines'
import { describe, expect, it } from 'vitest'
import { Interrupted } from '../../packages/cli/src/interrupted.ts'
import { runCli } from '../../packages/cli/src/run-cli.ts'
import { createScreen } from '../support/screen.ts'
import { type Answer, hangUp, json, serve } from '../support/scripted-server.ts'

const at = '2026-01-02T10:00:00.000Z'

function pipeline(number: number, more: Partial<Pipeline> = {}): Pipeline {
  return {
    repository: 'acme/a-shop-with-a-long-name',
    branch: `feature/number-${number}`,
    status: 'success',
    lastRun: at,
    duration: 3_599,
    workflowName: 'Continuous integration',
    runId: 19_456_789_000 + number,
    conclusion: 'success',
    steps: [],
    url: 'https://github.com/acme/shop',
    ...more,
  }
}

function answer(pipelines: Pipeline[], total = pipelines.length): PipelineStatusResponse {
  const metadata = { total, timestamp: at, cachedAt: at, stale: true }
  return { pipelines, metadata }
}

/** Shows these answers, one after another, and the last one for good (null: none); says at each what is on the screen. */
async function watch(
  answers: readonly (PipelineStatusResponse | null)[],
  size: { rows: number; columns: number },
  isEnough: (shown: string[]) => boolean,
) {
  let asked = 0
  const answering: Answer = (response, request) => {
    if (request.url.startsWith('/v1/events')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let id = 1; id < 5; id++)
        setTimeout(() => response.write(`id: ${id}\ndata: {}\n\n`), id * 150)
      return
    }
    const next = answers[Math.min(asked++, answers.length - 1)]
    if (next === null) hangUp(response, request)
    else json(200, next)(response, request)
  }
  const { baseUrl } = await serve(answering)
  const screen = createScreen(size)
  const stop = new AbortController()
  const output = {
    ...screen.output,
    async write(text: string) {
      await screen.output.write(text)
      if (isEnough(screen.shown())) stop.abort(new Interrupted('SIGINT'))
    },
  }
  const input = { isTerminal: true, readAll: async () => '', readHidden: async () => '' }
  const code = await runCli(['status', '--watch', '--url', baseUrl], {
    in: input,
    out: output,
    err: output,
    raw: { in: new PassThrough(), out: new PassThrough() },
    env: { HOME: '/nonexistent' },
    cwd: '/',
    signal: stop.signal,
  })
  return { code, shown: screen.shown(), written: screen.written() }
}

describe('slipway status --watch', () => {
  it.each([120, 80, 60, 40, 20])(
    'draws over what it drew in %i columns, names in any script',
    async (columns) => {
      const before = [
        pipeline(1, { status: 'running' }),
        pipeline(2, { workflowName: '構築と検査と配備と公開と通知と確認' }),
        pipeline(3, { branch: '🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀' }),
      ]
      const after = [pipeline(1, { status: 'failure' }), ...before.slice(1)]
      const { code, shown, written } = await watch(
        [answer(before), answer(after)],
        { rows: 24, columns },
        (lines) => lines.some((line) => line.startsWith('failure')),
      )
      expect(code).toBe(130)
      expect(shown.map((line) => line.split(' ')[0])).toEqual([
        'STATUS',
        'failure',
        'success',
        'success',
        'GitHub',
      ])
      expect(written.endsWith('\u001b[?25h')).toBe(true)
      expect(written.lastIndexOf('\u001b[?7h')).toBeGreaterThan(written.lastIndexOf('\u001b[?7l'))
      if (columns >= 80) expect(shown[1]).toMatch(/ 59m 59s +19456789001$/)
    },
  )

  it('says that the server does not answer, until it does', async () => {
    let wasAway = false
    const now = answer([pipeline(1)])
    const away = 'The server does not answer: this is how things were.'
    const { code, shown } = await watch(
      [now, null, null, null, null, now],
      { rows: 24, columns: 80 },
      (lines) => {
        wasAway ||= lines.includes(away)
        return wasAway && lines.length > 1 && !lines.includes(away)
      },
    )
    expect(code).toBe(130)
    expect(shown).toHaveLength(3)
  })

  it('says on a small terminal what does not fit, and that it may be old', async () => {
    const many = Array.from({ length: 30 }, (_, number) => pipeline(number))
    const { shown } = await watch([answer(many, 40)], { rows: 8, columns: 100 }, (lines) =>
      lines.some((line) => line.startsWith('success')),
    )
    expect(shown).toHaveLength(7)
    expect(shown.slice(-2)).toEqual([
      'and 36 more than fit here',
      'GitHub could not be asked since 2026-01-02 10:00: this may be out of date.',
    ])
  })
})
