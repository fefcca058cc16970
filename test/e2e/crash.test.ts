// kill -9 in the middle of a run: afterwards the run goes on or has ended, truthfully, with nothing done twice at once.
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  stepsOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
const name = 'acme/shop'

beforeEach(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterEach(() => server.close())

/** Collects what a follower of the step's log is shown until the connection breaks. */
async function followUntilBroken(url: string): Promise<string[]> {
  const lines: string[] = []
  const response = await server.request('GET', url)
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('utf8')
      lines.push(...text.split('\n').slice(0, -1))
      text = text.slice(text.lastIndexOf('\n') + 1)
    }
  } catch {
    // The server was killed.
  }
  return lines
}

describe('kill -9 of the server', () => {
  it('leads to a second attempt of the running task, with a log that goes on and lost no line', async () => {
    const script = [
      'echo "attempt begins"',
      // Alone at any time: a lock that only one process can hold.
      'exec 9> $SLIPWAY_CACHE/lock; flock -n 9 || { echo "twice at once"; exit 99; }',
      'if [ -e $SLIPWAY_CACHE/second ]; then echo "finished"; exit 0; fi',
      'touch $SLIPWAY_CACHE/second; for i in $(seq 1 100000); do echo "line $i"; sleep 0.005; done',
    ].join('\n')
    const commit = await repository.commit(
      oneProject([
        { name: 'before', action: 'run', run: 'true' },
        { name: 'work', action: 'run', run: script, needs: ['before'] },
      ]),
    )
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) =>
      stepsOf(now).some((step) => step.name === 'work' && step.status === 'running'),
    )
    const { pathname } = new URL(stepNamed(run, 'work').logs_url)
    const following = followUntilBroken(`${pathname}?follow=true`)
    await waitForLog(server, stepNamed(run, 'work'), 'line 50\n')
    await server.kill()
    const seen = await following
    expect(seen.length).toBeGreaterThan(5)

    await server.restart()
    const end = await finishedRun(server, id)
    expect(end.status).toBe('success')
    expect(end.phases[0]?.tasks[0]?.attempt).toBe(2)
    const log = await logOf(server, stepNamed(end, 'work'))
    expect(log.startsWith(seen.map((line) => `${line}\n`).join(''))).toBe(true)
    expect(log).toMatch(/--- attempt 2 ---\nattempt begins\nfinished\n$/)
    expect(log).not.toContain('twice at once')
    expect(stepsOf(end).map(({ status }) => status)).toEqual(['success', 'success'])
  })

  it('does not lose a run that was accepted just before', async () => {
    const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: 'true' }]))
    const id = await startRun(server, name, commit)
    await server.kill()
    await server.restart()
    expect((await finishedRun(server, id)).status).toBe('success')
  })

  it('at any moment leaves a run that ends truthfully', async () => {
    const phases = { one: { group: 1 }, two: { group: 2 }, three: { group: 3 } }
    const steps = [{ name: 's', action: 'run', run: 'sleep 0.05' }]
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: Object.fromEntries(Object.keys(phases).map((phase) => [phase, { steps }])),
      }),
    })
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      ids.push(await startRun(server, name, commit, { branch: `b${n}` }))
      await waitForRun(
        server,
        ids[n]!,
        (run) =>
          run.phases.filter(({ status }) => status !== 'pending').length >= n ||
          run.completed_at !== null,
      )
      await server.kill()
      await server.restart()
    }
    for (const id of ids) {
      const run = await finishedRun(server, id)
      expect(run.status).toBe('success')
      expect(run.phases.map(({ status }) => status)).toEqual(['success', 'success', 'success'])
    }
  })

  it('keeps a cancelled run cancelled, and its processes gone', async () => {
    const commit = await repository.commit(
      oneProject([
        {
          name: 's',
          action: 'run',
          run: 'echo up; while :; do date +%s%N >> $SLIPWAY_CACHE/alive; sleep 0.02; done',
        },
      ]),
    )
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) => stepsOf(now)[0]?.status === 'running')
    await waitForLog(server, stepNamed(run, 's'), 'up')
    await server.request('DELETE', `/v1/runs/${id}`)
    await server.kill()
    await server.restart()
    expect((await getRun(server, id)).status).toBe('cancelled')
    const check = await repository.commit(
      oneProject([
        {
          name: 'c',
          action: 'run',
          run: 'a=$(wc -l < $SLIPWAY_CACHE/alive); sleep 0.5; test $a = $(wc -l < $SLIPWAY_CACHE/alive)',
        },
      ]),
    )
    expect((await finishedRun(server, await startRun(server, name, check))).status).toBe('success')
  })
})

describe('SIGTERM', () => {
  it('ends the server in time with a run in hand, which another start takes up', async () => {
    const commit = await repository.commit(
      oneProject([
        {
          name: 's',
          action: 'run',
          run: 'test -e $SLIPWAY_CACHE/again && exit 0; touch $SLIPWAY_CACHE/again; echo up; sleep 300',
        },
      ]),
    )
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) => stepsOf(now)[0]?.status === 'running')
    await waitForLog(server, stepNamed(run, 's'), 'up')
    expect(await server.stop()).toBe(0)
    await server.restart()
    expect((await finishedRun(server, id)).status).toBe('success')
  })

  it('costs a task none of its attempts', async () => {
    const script = [
      'n=$(cat $SLIPWAY_CACHE/n 2>/dev/null || echo 0); echo $((n + 1)) > $SLIPWAY_CACHE/n',
      'echo "begun $n"; test $n -ge 4 || sleep 300',
    ].join('\n')
    const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: script }]))
    const id = await startRun(server, name, commit)
    for (let n = 0; n < 4; n++) {
      const run = await waitForRun(server, id, (now) => now.phases[0]?.tasks[0]?.attempt === n + 1)
      await waitForLog(server, stepNamed(run, 's'), `begun ${n}`)
      expect(await server.stop()).toBe(0)
      await server.restart()
    }
    const end = await finishedRun(server, id)
    expect(end).toMatchObject({ status: 'success', phases: [{ tasks: [{ attempt: 5 }] }] })
  }, 120_000)
})

describe('kill -9 of PostgreSQL', () => {
  it('holds up what is reported, and neither stops nor repeats a step', async () => {
    const script = 'echo up; until [ -e $SLIPWAY_CACHE/go ]; do sleep 0.05; done; echo done'
    const commit = await repository.commit(
      oneProject([
        { name: 'work', action: 'run', run: script },
        { name: 'short', action: 'run', run: 'sleep 1' },
        { name: 'go', action: 'run', run: 'touch $SLIPWAY_CACHE/go', needs: ['short'] },
      ]),
    )
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) => stepsOf(now)[0]?.status === 'running')
    await waitForLog(server, stepNamed(run, 'work'), 'up')
    const [pid] = (await readFile(`${server.dataDir}/postgres/data/postmaster.pid`, 'utf8')).split(
      '\n',
    )
    process.kill(Number(pid), 'SIGKILL')
    await expect
      .poll(async () => (await server.request('GET', '/health', { token: null })).status, {
        timeout: 20_000,
      })
      .toBe(200)
    const end = await finishedRun(server, id)
    expect(end).toMatchObject({ status: 'success', phases: [{ tasks: [{ attempt: 1 }] }] })
    expect(await logOf(server, stepNamed(end, 'work'))).toBe('up\ndone\n')
  })
})
