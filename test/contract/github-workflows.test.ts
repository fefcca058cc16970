// What GitHub's webhook says of workflows: stored forward only, once, whoever sends it when.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { GitHubActions } from '../../packages/server/src/ports/github-actions.ts'
import { createGithubApp, type GithubApp, secret } from '../support/github/app.ts'
import { signDelivery } from '../support/github/deliver.ts'
import { repositoryEventOf, workflowJobOf, workflowRunOf } from '../support/github/workflows.ts'

let test: GithubApp
let ids = 1_000
beforeAll(async () => void (test = await createGithubApp()))
afterAll(() => test.close())

const path = '/api/v2/webhooks/github'
async function deliver(event: string, payload: unknown, app = test) {
  const answer = await app.deliver(signDelivery(secret, event, payload), path)
  return answer.json<{ status: string; reason?: string }>()
}
async function runsOf(repository: string, app = test) {
  await app.settled()
  const { rows } = await app.database.pool.query(
    `select r.id, r.attempt, r.status, r.conclusion, r.duration from workflow_runs r
     join monitored_repositories m on m.id = r.repository_id where m.full_name = $1 order by r.id`,
    [repository],
  )
  return rows as unknown[]
}
async function rowOf(repository: string, app = test) {
  const { rows } = await app.database.pool.query<{ source: string; lost_at: Date | null }>(
    'select source, lost_at from monitored_repositories where full_name = $1',
    [repository],
  )
  return rows[0]
}
async function eventsOf(repository: string) {
  const { rows } = await test.database.pool.query<{ event_type: string }>(
    'select event_type from events where repository = $1 order by id',
    [repository],
  )
  return rows.map(({ event_type: type }) => type)
}
const newRepository = () => {
  const repositoryId = ++ids
  return { repositoryId, repository: `acme/shop-${repositoryId}` }
}

describe('a workflow run', () => {
  it('is stored through its life, and others are told of it', async () => {
    const about = { ...newRepository(), id: ++ids }
    const { repository } = about
    expect(await deliver('workflow_run', workflowRunOf('requested', about))).toMatchObject({
      status: 'accepted',
    })
    expect(await runsOf(repository)).toMatchObject([{ status: 'pending', duration: null }])
    await deliver('workflow_run', workflowRunOf('in_progress', about))
    expect(await runsOf(repository)).toMatchObject([{ status: 'running' }])
    await deliver('workflow_run', workflowRunOf('completed', about))
    expect(await runsOf(repository)).toMatchObject([
      { id: about.id, status: 'success', conclusion: 'success', duration: 300 },
    ])
    expect(await rowOf(repository)).toMatchObject({ source: 'webhook' })
    expect(await eventsOf(repository)).toEqual(['workflow.run.started', 'workflow.run.completed'])
  })

  it('never goes back: late, doubled and reordered deliveries change nothing', async () => {
    const about = { ...newRepository(), id: ++ids }
    const first = workflowRunOf('completed', { ...about, conclusion: 'failure' })
    const again = workflowRunOf('in_progress', { ...about, attempt: 2 })
    const late = [
      again,
      workflowRunOf('completed', { ...about, conclusion: 'failure' }),
      workflowRunOf('requested', about),
      again,
      first,
      workflowRunOf('in_progress', about),
      workflowRunOf('requested', { ...about, attempt: 2 }),
    ]
    for (const payload of [first, ...late]) await deliver('workflow_run', payload)
    expect(await runsOf(about.repository)).toMatchObject([{ attempt: 2, status: 'running' }])
    await deliver('workflow_run', workflowRunOf('completed', { ...about, attempt: 2 }))
    await deliver('workflow_run', workflowRunOf('in_progress', { ...about, attempt: 2 }))
    expect(await runsOf(about.repository)).toMatchObject([{ attempt: 2, status: 'success' }])
    expect(await eventsOf(about.repository)).toEqual([
      'workflow.run.failed',
      'workflow.run.started',
      'workflow.run.completed',
    ])
  })

  it('goes on where somebody has let it begin, and others are told of it', async () => {
    const about = { ...newRepository(), id: ++ids }
    const { repository } = about
    const waits = () => workflowRunOf('completed', { ...about, conclusion: 'action_required' })
    await deliver('workflow_run', waits())
    expect(await runsOf(repository)).toMatchObject([{ conclusion: 'action_required' }])
    await deliver('workflow_run', workflowRunOf('in_progress', about))
    await deliver('workflow_run', waits())
    expect(await runsOf(repository)).toMatchObject([{ status: 'running', conclusion: null }])
    await deliver('workflow_run', workflowRunOf('completed', about))
    expect(await runsOf(repository)).toMatchObject([{ status: 'success' }])
    expect(await eventsOf(repository)).toEqual([
      'workflow.run.failed',
      'workflow.run.started',
      'workflow.run.completed',
    ])
  })

  it('takes its jobs, also one that is told of before it', async () => {
    const { repository, repositoryId } = newRepository()
    const about = { repository, repositoryId, id: ++ids }
    const job = { repository, repositoryId, id: ++ids, runId: about.id }
    await deliver('workflow_job', workflowJobOf('completed', { ...job, conclusion: 'failure' }))
    await deliver('workflow_job', workflowJobOf('in_progress', job))
    await deliver('workflow_job', workflowJobOf('queued', job))
    await deliver('workflow_run', workflowRunOf('completed', { ...about, conclusion: 'failure' }))
    await test.settled()
    const { rows } = await test.database.pool.query(
      `select name, status, steps->0->>'name' as step, steps->0->>'conclusion' as ended
       from workflow_jobs where run_id = $1`,
      [about.id],
    )
    expect(rows).toEqual([{ name: 'build', status: 'failure', step: 'Test', ended: 'failure' }])
    const { rows: told } = await test.database.pool.query(
      `select data->>'failed_step' as step from events
       where repository = $1 and event_type = 'workflow.run.failed'`,
      [repository],
    )
    expect(told).toEqual([{ step: 'Test' }])
  })

  it('comes many at once, of many repositories', async () => {
    const several = Array.from({ length: 5 }, newRepository)
    const payloads = several.flatMap((about) =>
      Array.from({ length: 12 }, () => ++ids).flatMap((id) =>
        (['completed', 'requested', 'in_progress'] as const).map((action) =>
          workflowRunOf(action, { ...about, id }),
        ),
      ),
    )
    const answers = await Promise.all(payloads.map((payload) => deliver('workflow_run', payload)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['accepted']))
    for (const { repository } of several) {
      const runs = (await runsOf(repository)) as { status: string }[]
      expect(runs).toHaveLength(12)
      expect(runs.every(({ status }) => status === 'success')).toBe(true)
    }
  })
})

describe('a repository', () => {
  it('gets its new name, and is lost when it is deleted', async () => {
    const about = { ...newRepository(), id: ++ids }
    await deliver('workflow_run', workflowRunOf('completed', about))
    const renamed = { repositoryId: about.repositoryId, repository: `${about.repository}-new` }
    await deliver('repository', repositoryEventOf('renamed', renamed))
    expect(await runsOf(renamed.repository)).toHaveLength(1)
    expect(await rowOf(about.repository)).toBeUndefined()
    await deliver('repository', repositoryEventOf('deleted', renamed))
    await test.settled()
    expect(await rowOf(renamed.repository)).toMatchObject({ lost_at: expect.any(Date) })
    // Of before, and late: a deleted repository does not come back by it.
    const late = { ...about, ...renamed, id: ++ids }
    await deliver('workflow_run', workflowRunOf('completed', late))
    expect(await runsOf(renamed.repository)).toHaveLength(2)
    expect(await rowOf(renamed.repository)).toMatchObject({ lost_at: expect.any(Date) })
    expect(await deliver('repository', repositoryEventOf('archived', renamed))).toMatchObject({
      status: 'ignored',
      reason: 'nothing changes by it',
    })
  })

  it('gets its new name also when everything about it comes at once', async () => {
    const several = Array.from({ length: 30 }, newRepository)
    await Promise.all(
      several.map(async (about) => {
        const renamed = { ...about, repository: `${about.repository}-renamed` }
        await deliver('workflow_run', workflowRunOf('requested', { ...about, id: ++ids }))
        await deliver('repository', repositoryEventOf('renamed', renamed))
      }),
    )
    await test.settled()
    for (const { repository } of several) {
      expect(await rowOf(repository)).toBeUndefined()
      expect(await runsOf(`${repository}-renamed`)).toHaveLength(1)
    }
  })

  it('keeps its new name when an old delivery is late', async () => {
    // One that can be asked: what it says of names is newer than any delivery.
    const app = await createGithubApp({}, { actions: {} as GitHubActions })
    onTestFinished(() => app.close())
    const about = { ...newRepository(), id: ++ids }
    await deliver('workflow_run', workflowRunOf('requested', about), app)
    const { repositoryId } = about
    const renamed = { repositoryId, repository: `${about.repository}-new` }
    await deliver('repository', repositoryEventOf('renamed', renamed), app)
    await deliver('workflow_run', workflowRunOf('completed', about), app)
    expect(await runsOf(renamed.repository, app)).toMatchObject([{ status: 'success' }])
    expect(await rowOf(about.repository, app)).toBeUndefined()
  })

  it('never shows runs of another one that had its name', async () => {
    const { repository, repositoryId } = newRepository()
    await deliver(
      'workflow_run',
      workflowRunOf('completed', { repository, repositoryId, id: ++ids }),
    )
    const other = { repository, repositoryId: ++ids, id: ++ids }
    await deliver('workflow_run', workflowRunOf('requested', other))
    expect(await runsOf(repository)).toMatchObject([{ id: other.id, status: 'pending' }])
    expect(await runsOf(`${repository}~${repositoryId}`)).toHaveLength(1)
  })

  it('keeps its name when an old delivery of another one that had it is late', async () => {
    const app = await createGithubApp({}, { actions: {} as GitHubActions })
    onTestFinished(() => app.close())
    const { repository, repositoryId } = newRepository()
    const now = { repository, repositoryId, id: ++ids }
    await deliver('workflow_run', workflowRunOf('completed', now), app)
    await app.settled()
    const before = { repository, repositoryId: ++ids, id: ++ids }
    for (const action of ['requested', 'completed'] as const) {
      await deliver('workflow_run', workflowRunOf(action, before), app)
      await app.settled()
    }
    expect(await runsOf(repository, app)).toMatchObject([{ id: now.id }])
    expect(await rowOf(repository, app)).toMatchObject({ lost_at: null })
    expect(await rowOf(`${repository}~${before.repositoryId}`, app)).toMatchObject({
      lost_at: expect.any(Date),
    })
  })

  it('is none of ours where the setting names others, or none', async () => {
    const app = await createGithubApp({}, { configured: ['acme/Watched'] })
    onTestFinished(() => app.close())
    const other = { repository: 'acme/other', id: ++ids }
    await deliver('workflow_run', workflowRunOf('completed', other), app)
    expect(await runsOf('acme/other', app)).toEqual([])
    const { rows } = await app.database.pool.query('select status, note from github_deliveries')
    expect(rows).toEqual([
      { status: 'ignored', note: 'its repository is none of MONITORED_REPOSITORIES' },
    ])
    const watched = { repository: 'acme/watched', repositoryId: 78, id: ++ids }
    await deliver('workflow_run', workflowRunOf('completed', watched), app)
    expect(await runsOf('acme/watched', app)).toHaveLength(1)

    const off = await createGithubApp({}, { configured: [] })
    onTestFinished(() => off.close())
    expect(await deliver('workflow_run', workflowRunOf('completed', watched), off)).toMatchObject({
      status: 'ignored',
      reason: 'no workflows are watched',
    })
  })
})

describe('a delivery', () => {
  it.each([
    ['workflow_run', { repository: { id: 1, full_name: 'acme/x' } }, 'it says no workflow run'],
    ['workflow_job', { repository: { id: 1, full_name: 'acme/x' } }, 'it says no job'],
    ['workflow_run', { workflow_run: {} }, 'it names no repository'],
    ['workflow_run', { repository: { id: 1, full_name: '../x' } }, 'it names no repository'],
  ])('of %s that says nothing is ignored: %j', async (event, payload, reason) => {
    expect(await deliver(event, payload)).toMatchObject({ status: 'ignored', reason })
  })

  it('is taken once of several that come at once: under one id, or with one body', async () => {
    const first = workflowRunOf('completed', { ...newRepository(), id: ++ids })
    const second = workflowRunOf('completed', { ...newRepository(), id: ++ids })
    const signed = signDelivery(secret, 'workflow_run', first)
    const { 'x-github-delivery': id = '' } = signed.headers
    const all = [
      ...Array.from({ length: 8 }, () => signed),
      ...Array.from({ length: 8 }, () => signDelivery(secret, 'workflow_run', first)),
      signDelivery(secret, 'workflow_run', second, { 'x-github-delivery': id }),
      ...Array.from({ length: 8 }, () => signDelivery(secret, 'workflow_run', second)),
    ]
    const answers = await Promise.all(all.map((delivery) => test.deliver(delivery, path)))
    const statuses = answers.map((answer) => answer.json<{ status: string }>().status)
    expect(statuses.filter((status) => status === 'accepted')).toHaveLength(2)
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(all.length - 2)
  })

  it('is refused without our signature', async () => {
    const about = { ...newRepository(), id: ++ids }
    const forged = signDelivery('another secret', 'workflow_run', workflowRunOf('completed', about))
    const answer = await test.deliver(forged, path)
    expect(answer.statusCode).toBe(401)
    expect(await runsOf(about.repository)).toEqual([])
  })
})
