// What goes across repositories: the overview, what is red, the board, what waits for an approval.
import {
  BoardResponse,
  OverviewRepositoriesResponse,
  RedPipelinesResponse,
  WaitingForMeResponse,
  WaitingReleasesResponse,
} from '@slipway/contract/overview'
import { v7 as uuid } from 'uuid'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApprovalsApp, createApprovalsApp } from '../support/approvals-app.ts'

let test: ApprovalsApp
beforeEach(async () => {
  test = await createApprovalsApp()
})
afterEach(() => test.close())

async function ask<T>(schema: TSchema, path: string, token?: string): Promise<T> {
  const answer = await test.request('GET', path, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  expect([...Value.Errors(schema, answer.json())]).toEqual([])
  return answer.json<T>()
}

const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString()

/** Runs of a branch as they ended, one a minute. */
async function ran(repository: string, branch: string, statuses: readonly string[], from = 0) {
  const ids: string[] = []
  for (const [index, status] of statuses.entries()) {
    const id = uuid()
    ids.push(id)
    const ended = status === 'running' ? null : minute(from + index + 1)
    await test.database.pool.query(
      `with of_repository as (
         insert into run_ordinals (repository, branch, last) values ($2, '', 1)
         on conflict (repository, branch) do update set last = run_ordinals.last + 1 returning last),
       of_branch as (
         insert into run_ordinals (repository, branch, last) values ($2, $3, 1)
         on conflict (repository, branch) do update set last = run_ordinals.last + 1 returning last)
       insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal, started_at, completed_at)
       select $1, $2, $3, $4, $5, 'push', 'alice', of_repository.last, of_branch.last, $6, $7
         from of_repository, of_branch`,
      [id, repository, branch, 'a'.repeat(40), status, minute(from + index), ended],
    )
  }
  return ids
}

/** The project's next release. */
async function released(repository: string, project: string): Promise<string> {
  const id = uuid()
  await test.database.pool.query(
    `with counter as (
       insert into release_counters (repository, project, last) values ($2, $3, 1)
       on conflict (repository, project) do update set last = release_counters.last + 1
       returning last)
     insert into releases (id, repository, project, commit_sha, release_number, oci_uri, oci_digest,
                           trigger_type, branch, triggered_by, created_by, environments, resources)
     select $1, $2, $3, lpad(last::text, 40, '0'), last, 'example.com/x:1', 'sha256:00', 'branch_push',
            'main', 'alice', 'alice', '[]', '[]' from counter`,
    [id, repository, project],
  )
  return id
}

let ordinal = 0
async function deployed(releaseId: string, environment: string, status = 'active') {
  await test.database.pool.query(
    `insert into deployments (id, release_id, environment, repository, project, release_number, status,
                              ordinal, deployed_by, deployed_at)
     select $2, id, $3, repository, project, release_number, $4, $5, 'bob', now()
       from releases where id = $1`,
    [releaseId, uuid(), environment, status, ++ordinal],
  )
}

describe('GET /v1/overview/repositories', () => {
  const list = (query = '', token?: string) =>
    ask<OverviewRepositoriesResponse>(
      OverviewRepositoriesResponse,
      `/v1/overview/repositories${query}`,
      token,
    )

  it('shows the newest run of each repository, the last to do something first', async () => {
    const [, newest] = await ran('acme/shop', 'main', ['failed', 'success'])
    await ran('acme/shop', 'feature', ['running'], 10)
    await ran('acme/api', 'main', ['success'], 30)
    expect(newest).toBeDefined()
    const { repositories, has_more } = await list()
    expect(has_more).toBe(false)
    expect(repositories.map(({ repository }) => repository)).toEqual(['acme/api', 'acme/shop'])
    expect(repositories[1]).toMatchObject({
      latest_run: { branch: 'feature', status: 'running', completed_at: null },
      latest_workflow: null,
      active_runs: 1,
    })
  })

  it('shows what GitHub ran last', async () => {
    const { rows } = await test.database.pool.query<{ id: number }>(
      `insert into monitored_repositories (full_name, source) values ('acme/site', 'webhook')
       returning id`,
    )
    await test.database.pool.query(
      `insert into workflow_runs (id, repository_id, workflow_id, workflow_name, run_number, attempt,
         event, branch, commit_sha, commit_message, actor, url, status, github_status, created_at,
         run_started_at, updated_at)
       values (7, $1, 1, 'CI', 1, 1, 'push', 'main', $2, 'Fix', 'alice', 'https://github.com/x',
               'failure', 'completed', now(), now(), now())`,
      [rows[0]?.id, 'b'.repeat(40)],
    )
    const { repositories } = await list()
    expect(repositories).toMatchObject([
      { repository: 'acme/site', latest_run: null, latest_workflow: { id: 7, name: 'CI' } },
    ])
  })

  it('finds parts of names, in any case, and takes no pattern', async () => {
    await ran('acme/shop', 'main', ['success'])
    await ran('acme/sh_p', 'main', ['success'])
    expect((await list('?search=SHOP')).repositories).toHaveLength(1)
    expect((await list('?search=sh_p')).repositories).toHaveLength(1)
    expect((await list('?search=%25')).repositories).toHaveLength(0)
  })

  it('goes on behind a page, and hides what a token may not see', async () => {
    for (const name of ['a', 'b', 'c']) await ran(`acme/${name}`, 'main', ['success'])
    const first = await list('?limit=2')
    expect([first.repositories.length, first.has_more]).toEqual([2, true])
    const rest = await list('?limit=2&offset=2')
    expect([rest.repositories.length, rest.has_more]).toEqual([1, false])
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/b'] })
    const { repositories } = await list('', token)
    expect(repositories.map(({ repository }) => repository)).toEqual(['acme/b'])
  })
})

describe('GET /v1/overview/red', () => {
  const list = (token?: string) =>
    ask<RedPipelinesResponse>(RedPipelinesResponse, '/v1/overview/red', token)

  it('shows branches whose last finished run failed, since the first failure after a success', async () => {
    const ids = await ran('acme/shop', 'main', [
      'failed',
      'success',
      'failed',
      'cancelled',
      'failed',
      'running',
    ])
    await ran('acme/shop', 'fixed', ['failed', 'success'])
    await ran('acme/new', 'main', ['failed', 'failed'], 60)
    expect((await list()).red).toMatchObject([
      { kind: 'run', repository: 'acme/new', since: minute(60), last_at: minute(61) },
      {
        kind: 'run',
        repository: 'acme/shop',
        branch: 'main',
        id: ids[4],
        name: null,
        url: null,
        since: minute(2),
        last_at: minute(4),
      },
    ])
  })

  it('keeps a branch red however many runs of it were cancelled since', async () => {
    const [red] = await ran('acme/shop', 'main', ['failed'])
    await ran('acme/shop', 'main', Array<string>(250).fill('cancelled'), 1)
    expect((await list()).red).toMatchObject([{ id: red, since: minute(0), last_at: minute(0) }])
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/none', 'acme/shop'] })
    expect((await list(token)).red).toMatchObject([{ id: red }])
  })

  it('hides what a token may not see', async () => {
    await ran('acme/shop', 'main', ['failed'])
    expect((await list(await test.tokenFor(['viewer'], { repositories: ['acme/x'] }))).red).toEqual(
      [],
    )
  })
})

describe('GET /v1/board', () => {
  const board = (query = '', token?: string) =>
    ask<BoardResponse>(BoardResponse, `/v1/board${query}`, token)

  it('shows what is where', async () => {
    const first = await released('acme/shop', 'web')
    const second = await released('acme/shop', 'web')
    await deployed(first, 'production')
    await deployed(first, 'dev')
    await test.database.pool.query(
      `update deployments set status = 'superseded' where environment = 'dev'`,
    )
    await deployed(second, 'dev')
    await deployed(second, 'staging', 'pending')
    const { environments, projects } = await board()
    expect(environments).toEqual(['dev', 'staging', 'production'])
    expect(projects).toMatchObject([
      { repository: 'acme/shop', project: 'web', newest: { id: second, release_number: 2 } },
    ])
    const cells = projects[0]?.cells.map((cell) => [
      cell.environment,
      cell.release_number,
      cell.status,
    ])
    expect(cells?.toSorted()).toEqual([
      ['dev', 2, 'active'],
      ['production', 1, 'active'],
      ['staging', 2, 'pending'],
    ])
  })

  it('is filtered, paged, and limited to what a token may see', async () => {
    await released('acme/shop', 'api')
    await released('acme/shop', 'web')
    await released('other/site', 'web')
    expect((await board('?repository=acme/shop')).projects).toHaveLength(2)
    expect((await board('?search=SITE')).projects).toHaveLength(1)
    expect(await board('?limit=1&offset=1')).toMatchObject({
      projects: [{ project: 'web' }],
      has_more: true,
    })
    const token = await test.tokenFor(['viewer'], { repositories: ['other/site'] })
    expect((await board('', token)).projects).toMatchObject([{ repository: 'other/site' }])
  })
})

describe('GET /v1/overview/waiting', () => {
  const list = (token?: string) =>
    ask<WaitingForMeResponse>(WaitingForMeResponse, '/v1/overview/waiting', token)
  const nothing = {
    approvals: [],
    pull_requests: [],
    workflows: [],
    failed_runs: [],
    failed_builds: [],
  }
  const query = (text: string, values: unknown[] = []) => test.database.pool.query(text, values)

  it('lists approvals that the caller may give and has not given', async () => {
    expect(await list()).toEqual(nothing)
    const release = await released('acme/shop', 'web')
    await deployed(release, 'dev')
    expect((await list()).approvals).toMatchObject([
      { environment: 'production', release: { id: release }, may_approve: true },
    ])
    expect(await list(await test.tokenFor(['viewer']))).toEqual(nothing)
    await test.approved(release)
    expect(await list()).toEqual(nothing)
  })

  it('lists pull requests of forks for those who may approve them, and what waits at GitHub', async () => {
    await query(
      `insert into github_pull_requests (id, repository, number, title, author, head_ref, commit_sha,
                                         status, received_at)
       select gen_random_uuid(), 'acme/shop', n, 'A change', 'mallory', 'x', lpad(n::text, 40, '0'),
              case n when 2 then 'closed' else 'waiting' end, now() from generate_series(1, 30) as n`,
    )
    await query(
      `with repository as (
         insert into monitored_repositories (full_name, source) values ('acme/site', 'webhook')
         returning id)
       insert into workflow_runs (id, repository_id, workflow_id, workflow_name, run_number, attempt,
         event, branch, commit_sha, commit_message, actor, url, status, github_status, created_at,
         run_started_at, updated_at)
       select n, id, 1, 'Deploy', 1, 1, 'push', 'main', lpad('', 40, 'a'), 'Fix', 'alice',
              'https://github.com/x', 'pending', case n when 7 then 'waiting' else 'queued' end,
              now(), now(), now() from repository, generate_series(7, 8) as n`,
    )
    const { pull_requests, workflows } = await list()
    expect(pull_requests).toHaveLength(20)
    expect(new Set(pull_requests.map(({ status }) => status))).toEqual(new Set(['waiting']))
    expect(workflows).toMatchObject([{ id: 7, repository: 'acme/site', name: 'Deploy' }])
    const developer = await list(await test.tokenFor(['developer']))
    expect([developer.pull_requests.length, developer.workflows.length]).toEqual([0, 1])
    const limited = await test.tokenFor(['operator'], { repositories: ['acme/none'] })
    expect(await list(limited)).toEqual(nothing)
  })

  it('lists runs that the caller started and that failed, until their branch is decided anew', async () => {
    const mine = async (...ids: (string | undefined)[]) =>
      query(
        `update runs set triggered_by = 'admin', started_at = now(), completed_at = now()
          where id = any($1)`,
        [ids],
      )
    const [own] = await ran('acme/shop', 'main', ['failed', 'cancelled', 'running'])
    const [mended] = await ran('acme/shop', 'fixed', ['failed', 'success'])
    const [again] = await ran('acme/shop', 'again', ['failed', 'failed'])
    await ran('acme/shop', 'of-alice', ['failed'])
    await mine(own, mended, again)
    expect((await list()).failed_runs).toMatchObject([
      { id: own, repository: 'acme/shop', branch: 'main', message: null },
    ])
    const limited = await test.tokenFor(['viewer'], { repositories: ['acme/shop'], name: 'admin ' })
    expect(await list(limited)).toEqual(nothing)
    await query(`update runs set completed_at = now() - interval '8 days' where id = $1`, [own])
    expect((await list()).failed_runs).toEqual([])
  })

  it('lists builds that the caller made and that failed, until they are tried again', async () => {
    const built = async (by: string, reason: string, retryOf: number | null = null) => {
      const { rows } = await query(
        `insert into builds (status, failure_reason, error, steps_to_execute, repository_info,
                             repository, output_type, created_by, started_at, completed_at, retry_of)
         values ('failed', $2, 'no space', '{clone_repo}', '{}', 'acme/shop', 'zip', $1, now(), now(),
                 $3) returning id`,
        [by, reason, retryOf],
      )
      return (rows[0] as { id: number }).id
    }
    const first = await built('admin', 'step_failed')
    await built('admin', 'cancelled')
    await built('alice', 'step_failed')
    expect((await list()).failed_builds).toMatchObject([{ id: first, error: 'no space' }])
    const second = await built('admin', 'timeout', first)
    expect((await list()).failed_builds).toMatchObject([{ id: second }])
  })
})

describe('GET /v1/approvals/waiting', () => {
  const list = (token?: string) =>
    ask<WaitingReleasesResponse>(WaitingReleasesResponse, '/v1/approvals/waiting', token)

  it('shows a release that is deployed somewhere and not where approvals are asked for', async () => {
    const first = await released('acme/shop', 'web')
    await deployed(first, 'production')
    expect((await list()).waiting).toEqual([])
    const second = await released('acme/shop', 'web')
    expect((await list()).waiting).toEqual([])
    await deployed(second, 'dev')
    expect((await list()).waiting).toMatchObject([
      {
        repository: 'acme/shop',
        project: 'web',
        environment: 'production',
        release: { id: second, release_number: 2 },
        deployed_release_number: 1,
        required: 1,
        given: 0,
        may_approve: true,
      },
    ])
    await test.approved(second)
    expect((await list()).waiting).toMatchObject([{ given: 1, may_approve: false }])
    await deployed(second, 'production', 'pending')
    expect((await list()).waiting).toEqual([])
  })

  it('offers nobody to approve who may not, and hides what a token may not see', async () => {
    const release = await released('acme/shop', 'web')
    await deployed(release, 'dev')
    const viewer = await test.tokenFor(['viewer'])
    expect((await list(viewer)).waiting).toMatchObject([{ may_approve: false }])
    const other = await test.tokenFor(['approver'], { repositories: ['acme/other'] })
    expect((await list(other)).waiting).toEqual([])
  })
})
