import type { CreateRunResponse } from '@slipway/contract/runs'
import type { ListPullRequestsResponse } from '@slipway/contract/github'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { pullRequestOf, signDelivery } from '../support/github/deliver.ts'
import { callCli } from '../support/call-cli.ts'
import type { CliResult } from '../support/run-cli.ts'
import { finishedRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// `slipway pull-request` as a person types it, against a real server without any way to ask GitHub.

const secret = 'a secret that GitHub knows'
let server: TestServer
beforeAll(async () => void (server = await startTestServer({ GITHUB_WEBHOOK_SECRET: secret })))
afterAll(() => server.close())

function cli(...args: string[]): Promise<CliResult> {
  const env = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token }
  return callCli(['pull-request', ...args], { env })
}

it('shows what waits and lets it run', async () => {
  const none = await cli('list')
  expect(none).toMatchObject({ code: 0, out: '' })
  expect(none.err).toBe('None is waiting. Whatever their status: --all\n')
  const repository = await createRepository(server.repositories, 'acme/shop')
  const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: 'true' }]))
  await repository.git('update-ref', 'refs/pull/7/head', commit)
  const payload = pullRequestOf('acme/shop', {
    number: 7,
    commit,
    fork: 'mallory/shop',
    title: 'Make it \u001b[31mfaster',
  })
  const { headers, body } = signDelivery(secret, 'pull_request', payload)
  const answer = await fetch(`${server.url}/v1/webhooks/github`, { method: 'POST', headers, body })
  expect(answer.status).toBe(202)
  await expect.poll(async () => (await cli('list')).out, { timeout: 10_000 }).toContain('mallory')
  const listed = await cli('list', '-r', 'acme/shop')
  expect(listed.out).toContain(`acme/shop#7   ${commit.slice(0, 12)}  mallory  mallory/shop`)
  expect(listed.out).not.toContain('\u001b[31m')
  const page = JSON.parse((await cli('list', '--json')).out) as ListPullRequestsResponse
  const id = page.pull_requests[0]?.id ?? ''
  const approved = await cli('approve', id, '--json')
  expect(approved.code, approved.err).toBe(0)
  const run = JSON.parse(approved.out) as CreateRunResponse
  expect(await finishedRun(server, run.id)).toMatchObject({
    status: 'success',
    branch: 'refs/pull/7/head',
    commit_sha: commit,
    triggered_by: 'mallory',
  })
  const again = await cli('approve', id)
  expect(again).toMatchObject({ code: 4, out: '' })
  expect(again.err).toContain('Somebody has let this commit run already')
  expect((await cli('list')).err).toBe('None is waiting. Whatever their status: --all\n')
  expect((await cli('list', '--all')).out).toContain('approved')
})
