// From a push at GitHub to what GitHub shows of it, with a real server between a stand-in for GitHub
// that is held to its published description.
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { pullRequestOf, pushOf, signDelivery } from '../support/github/deliver.ts'
import {
  type Fault,
  type GitHubStandIn,
  limits,
  refusal,
  type Seen,
  startGitHubStandIn,
} from '../support/github/stand-in.ts'
import type { Status } from '../support/github/state.ts'
import { finishedRun, waitForRun } from '../support/runs.ts'

const token = 'ghp_a_token_nobody_may_see'
const secret = 'a secret that GitHub knows'
let standIn: GitHubStandIn
let world: DeploymentWorld
let repositories = 0
let name: string
let repository: TestRepository

beforeAll(async () => {
  standIn = await startGitHubStandIn({ token })
  world = await createDeploymentWorld({
    GITHUB_TOKEN: token,
    GITHUB_API_URL: standIn.url,
    GITHUB_WEBHOOK_SECRET: secret,
  })
})
afterAll(async () => {
  await world.close()
  await standIn.close()
})
beforeEach(async () => {
  name = `acme/shop-${++repositories}`
  repository = await createRepository(world.server.repositories, name)
})
afterEach(() => {
  standIn.behave(null)
  expect(standIn.violations).toEqual([])
})

const step = (run: string) => ({ name: 's', action: 'run', run })

async function deliver(event: string, payload: object): Promise<void> {
  const { headers, body } = signDelivery(secret, event, payload)
  const url = new URL('/v1/webhooks/github', world.server.url)
  const answer = await fetch(url, { method: 'POST', headers, body })
  expect(answer.status, await answer.text()).toBe(202)
}

/** Pushes a commit and answers the run that the delivery started. */
async function push(sha: string, ref = 'refs/heads/main', of = name): Promise<string> {
  await deliver('push', pushOf(of, ref, sha))
  const find = async () => {
    const { rows } = await world.database.pool.query<{ id: string }>(
      'select id from runs where repository = $1 and commit_sha = $2 order by started_at desc',
      [of, sha],
    )
    return rows[0]?.id
  }
  await expect.poll(find, { timeout: 10_000 }).toBeDefined()
  return (await find()) ?? ''
}
const ended = (id: string): Promise<Run> => finishedRun(world.server, id)
const statusesOf = (sha: string, of = name): Status[] =>
  standIn.statuses.filter((one) => one.sha === sha && one.repository === of)
const lastStatus = (sha: string, of = name) => statusesOf(sha, of).at(-1)
async function outstanding(of = name): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ kind: string }>(
    'select kind from github_reports where repository = $1',
    [of],
  )
  return rows.map(({ kind }) => kind)
}
const only =
  (of: string, fault: Fault) =>
  ({ repository: asked }: Seen) =>
    asked === of ? fault : undefined

describe('a push', () => {
  it('becomes a run, whose way GitHub shows', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    const id = await push(sha)
    const run = await ended(id)
    expect(run).toMatchObject({
      status: 'success',
      branch: 'main',
      trigger_type: 'push',
      triggered_by: 'alice',
    })
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 10_000 }).toBe('success')
    const shown = statusesOf(sha)
    const states = shown.map(({ state }) => state)
    expect(states[0]).toBe('pending')
    expect(states.slice(0, -1).every((state) => state === 'pending')).toBe(true)
    for (const { context, target_url } of shown) {
      expect(context).toBe('ci/slipway')
      expect(target_url).toBe(`${world.server.url}/v1/runs/${id}`)
    }
    expect(shown.at(-1)?.description).toMatch(/^Succeeded after \d+s$/)
    await expect.poll(outstanding).toEqual([])
    expect(world.server.output.join()).not.toContain(token)
    expect(world.server.output.join()).not.toContain(secret)
  })

  it('that fails is shown as failed, with its phase', async () => {
    const sha = await repository.commit(oneProject([step('false')]))
    expect((await ended(await push(sha))).status).toBe('failed')
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 10_000 }).toBe('failure')
    expect(lastStatus(sha)?.description).toMatch(/^Failed in test after \d+s$/)
  })

  it('whose run is cancelled is shown so', async () => {
    const sha = await repository.commit(oneProject([step('sleep 60')]))
    const id = await push(sha)
    await waitForRun(world.server, id, ({ status }) => status === 'running')
    await world.server.json('DELETE', `/v1/runs/${id}`, { expect: 204 })
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 10_000 }).toBe('error')
  })
})

describe('a pull request of a fork', () => {
  it('is shown as waiting, and as its run once it may', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    await repository.git('update-ref', 'refs/pull/5/head', sha)
    await deliver('pull_request', pullRequestOf(name, { number: 5, commit: sha, fork: 'm/shop' }))
    await expect
      .poll(() => lastStatus(sha), { timeout: 10_000 })
      .toMatchObject({
        state: 'pending',
        target_url: null,
        description: 'Waiting for an operator to let this pull request run',
      })
    const waiting = await world.server.json<{ pull_requests: { id: string }[] }>(
      'GET',
      `/v1/pull-requests?status=waiting&repository=${name}`,
    )
    const path = `/v1/pull-requests/${waiting.pull_requests[0]?.id}/approve`
    const { id } = await world.server.json<{ id: string }>('POST', path)
    expect(await ended(id)).toMatchObject({ status: 'success', branch: 'refs/pull/5/head' })
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 10_000 }).toBe('success')
  })
})

describe('a GitHub that is away', () => {
  it('fails no run, and is told later how it ended: once', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    standIn.behave(only(name, { kind: 'hang up' }))
    expect((await ended(await push(sha))).status).toBe('success')
    expect(statusesOf(sha)).toEqual([])
    await expect.poll(outstanding).toEqual(['commit'])
    standIn.behave(null)
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 30_000 }).toBe('success')
    expect(statusesOf(sha)).toHaveLength(1)
    await expect.poll(outstanding).toEqual([])
  })

  it('is told even by another server than the one that died meanwhile', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    standIn.behave(only(name, refusal(502, 'Server Error')))
    await ended(await push(sha))
    await expect.poll(outstanding).toEqual(['commit'])
    await world.server.kill()
    standIn.behave(null)
    await world.server.restart()
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 40_000 }).toBe('success')
  })

  it('for one repository holds up no other', async () => {
    const silent = name
    const sha = await repository.commit(oneProject([step('true')]))
    standIn.behave(only(silent, { kind: 'never answer' }))
    await ended(await push(sha))
    const other = `acme/other-${repositories}`
    const there = await createRepository(world.server.repositories, other)
    const next = await there.commit(oneProject([step('true')]))
    await ended(await push(next, 'refs/heads/main', other))
    await expect.poll(() => lastStatus(next, other)?.state, { timeout: 10_000 }).toBe('success')
    expect(statusesOf(sha)).toEqual([])
    // Nobody waits for it to stop, either.
    await world.server.stop()
    standIn.behave(null)
    await world.server.restart()
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 30_000 }).toBe('success')
  })
})

describe('a GitHub that says no', () => {
  it('is asked again when its limit has passed, and not before', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    let refused = 0
    standIn.behave(({ repository: asked }) => {
      if (asked !== name || refused > 0) return undefined
      refused += 1
      return limits.secondary(2)
    })
    await ended(await push(sha))
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 30_000 }).toBe('success')
    expect(refused).toBe(1)
  })

  it.each([
    [404, 'Not Found'],
    [422, 'No commit found'],
  ])('with %i is not asked again', async (status, message) => {
    const sha = await repository.commit(oneProject([step('true')]))
    standIn.behave(only(name, refusal(status, message)))
    expect((await ended(await push(sha))).status).toBe('success')
    const log = () => world.server.output.filter((line) => line.includes(name)).join('\n')
    await expect.poll(log, { timeout: 10_000 }).toContain('it does not take this')
    await expect.poll(outstanding, { timeout: 10_000 }).toEqual([])
    expect(statusesOf(sha)).toEqual([])
  })

  it('with 401 is asked again: somebody may change the token', async () => {
    const sha = await repository.commit(oneProject([step('true')]))
    standIn.behave(only(name, refusal(401, 'Bad credentials')))
    await ended(await push(sha))
    await expect.poll(outstanding).toEqual(['commit'])
    standIn.behave(null)
    await expect.poll(() => lastStatus(sha)?.state, { timeout: 30_000 }).toBe('success')
  })
})

describe('a deployment', () => {
  const deploymentsAt = (project: string) =>
    standIn.deployments.filter(({ task }) => task === `deploy:${project}`)

  it('is shown in its environment, until another takes its place', async () => {
    const project = `p${repositories}`
    const first = await world.release({ repository: name, project })
    const { id } = await world.deploy(first.id)
    await world.reaches(id, 'active')
    const lastState = (index: number) => deploymentsAt(project)[index]?.statuses.at(-1)?.state
    await expect.poll(() => lastState(0), { timeout: 10_000 }).toBe('success')
    expect(deploymentsAt(project)[0]).toMatchObject({
      repository: name,
      ref: first.commit,
      environment: 'staging',
      production_environment: false,
      description: `${project} #1`,
    })
    expect(deploymentsAt(project)[0]?.statuses.at(-1)?.log_url).toBe(
      `${world.server.url}/v1/deployments/${id}`,
    )
    const second = await world.release({ repository: name, project })
    await world.reaches((await world.deploy(second.id)).id, 'active')
    await expect
      .poll(() => [lastState(0), lastState(1)], { timeout: 10_000 })
      .toEqual(['inactive', 'success'])
    expect(deploymentsAt(project)).toHaveLength(2)
  })

  it('is made once, also where GitHub’s answer was lost', async () => {
    const project = `p${repositories}`
    let lost = 0
    standIn.behave(({ operation, repository: asked }) => {
      if (asked !== name || operation !== 'repos/create-deployment' || lost > 0) return undefined
      lost += 1
      return { kind: 'lose the answer' }
    })
    const { id: releaseId } = await world.release({ repository: name, project })
    const { id } = await world.deploy(releaseId)
    await world.reaches(id, 'active')
    const states = () => deploymentsAt(project).map(({ statuses }) => statuses.at(-1)?.state)
    await expect.poll(states, { timeout: 30_000 }).toEqual(['success'])
    expect(lost).toBe(1)
  })
})

describe('a release on a tag', () => {
  const files = (strategy: string, projects: readonly string[]) => ({
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      tagging: { strategy },
      phases: { check: {} },
    }),
    ...Object.fromEntries(
      projects.map((project) => [
        `${project}/.forge/project.json`,
        JSON.stringify({
          name: project,
          phases: { check: { steps: [{ name: 'test', run: 'true' }] } },
          release: { on: [{ tag: true }, { manual: true }] },
        }),
      ]),
    ),
  })
  const releasesOf = (of: string) => standIn.releases.filter((one) => one.repository === of)

  it('is announced with what was released, one release for all projects of a tag', async () => {
    const sha = await repository.commit(files('tag-all', ['api', 'web']))
    expect((await ended(await push(sha, 'refs/tags/v1.2.3'))).status).toBe('success')
    const notes = () => releasesOf(name).map(({ body }) => body.match(/### `\w+` \[#\d+\]/g))
    await expect.poll(notes, { timeout: 15_000 }).toEqual([['### `api` [#1]', '### `web` [#1]']])
    expect(releasesOf(name)).toMatchObject([
      { tag_name: 'v1.2.3', target_commitish: sha, name: 'v1.2.3', prerelease: false },
    ])
    expect(releasesOf(name)[0]?.body).toContain(`(${world.server.url}/v1/releases/`)
  })

  it('is announced where the tag is only another name, and what others wrote stays', async () => {
    const sha = await repository.commit(files('monorepo', ['api']))
    await ended(await push(sha, 'refs/tags/api/v2.0.0-rc.1'))
    await expect.poll(() => releasesOf(name).length, { timeout: 15_000 }).toBe(1)
    expect(releasesOf(name)[0]).toMatchObject({ tag_name: 'api/v2.0.0-rc.1', prerelease: true })
    const byHand = { id: 99_999, repository: name, tag_name: 'api/v2.0.0', body: 'Written by hand' }
    const rest = { target_commitish: sha, name: 'Two', prerelease: false }
    ;(standIn.releases as object[]).push({ ...byHand, ...rest })
    await ended(await push(sha, 'refs/tags/api/v2.0.0'))
    const second = () => releasesOf(name).find(({ id }) => id === 99_999)?.body
    await expect.poll(second, { timeout: 15_000 }).toContain('### `api` [#1]')
    expect(second()).toContain('Written by hand')
    expect(releasesOf(name)).toHaveLength(2)
  })
})
