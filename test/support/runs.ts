import type { CreateRunResponse, Run, Step, Task } from '@slipway/contract/runs'
import { expect } from 'vitest'
import type { TestServer } from './server.ts'

/** Starts a run of a commit on main, as a push. */
export async function startRun(
  server: TestServer,
  repository: string,
  commit: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const body = { repository, branch: 'main', commit_sha: commit, trigger_type: 'push', ...more }
  const { id } = await server.json<CreateRunResponse>('POST', '/v1/runs', { body })
  return id
}

export function getRun(server: TestServer, id: string): Promise<Run> {
  return server.json<Run>('GET', `/v1/runs/${id}`)
}

/** Waits until the run has ended, and answers it. */
export function finishedRun(server: TestServer, id: string, timeoutMs = 60_000): Promise<Run> {
  return waitForRun(server, id, ({ completed_at }) => completed_at !== null, timeoutMs)
}

/** Waits until the run is as `condition` wants it. */
export async function waitForRun(
  server: TestServer,
  id: string,
  condition: (run: Run) => boolean,
  timeoutMs = 60_000,
): Promise<Run> {
  let last: Run | undefined
  await expect
    .poll(
      async () => {
        last = await getRun(server, id)
        return condition(last)
      },
      // Not so often that a minute of it is over the rate limit.
      { timeout: timeoutMs, interval: 80 },
    )
    .toBe(true)
  if (last === undefined) throw new Error('never asked')
  return last
}

export function tasksOf(run: Run): Task[] {
  return run.phases.flatMap((phase) => phase.tasks)
}

export function stepsOf(run: Run): Step[] {
  return tasksOf(run).flatMap((task) => task.steps)
}

export function stepNamed(run: Run, name: string): Step {
  const step = stepsOf(run).find((candidate) => candidate.name === name)
  if (step === undefined) throw new Error(`no step ${name}`)
  return step
}

export async function logOf(server: TestServer, step: Step): Promise<string> {
  const { pathname, search } = new URL(step.logs_url)
  const response = await server.request('GET', pathname + search, { token: null })
  expect(response.status).toBe(200)
  return response.text()
}

/** Follows a step's log until it holds `text`: the step has got that far. */
export async function waitForLog(server: TestServer, step: Step, text: string): Promise<void> {
  const { pathname } = new URL(step.logs_url)
  const signal = AbortSignal.timeout(20_000)
  const response = await server.request('GET', `${pathname}?follow=true`, { signal })
  let seen = ''
  for await (const chunk of response.body ?? []) {
    seen += Buffer.from(chunk).toString('utf8')
    if (seen.includes(text)) return
  }
  throw new Error(`the log ended without ${JSON.stringify(text)}: ${seen}`)
}
