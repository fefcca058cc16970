// Pull requests: those of the repository's own run, those of forks wait for somebody to let them.
import { CreateRunResponse } from '@slipway/contract/runs'
import { ListPullRequestsResponse, type PullRequest } from '@slipway/contract/github'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGithubApp, type GithubApp, secret } from '../support/github/app.ts'
import { pullRequestOf, signDelivery } from '../support/github/deliver.ts'

let test: GithubApp
beforeAll(async () => void (test = await createGithubApp()))
afterAll(() => test.close())

const fork = 'mallory/shop'
let commits = 0
const newCommit = () => String(++commits).padStart(40, 'b')

async function tell(repository: string, input: Parameters<typeof pullRequestOf>[1]): Promise<void> {
  await test.deliver(signDelivery(secret, 'pull_request', pullRequestOf(repository, input)))
  await test.settled()
}
async function list(query = '', token?: string): Promise<PullRequest[]> {
  const answer = await test.request(
    'GET',
    `/v1/pull-requests${query}`,
    token === undefined ? {} : { token },
  )
  expect(answer.statusCode, answer.body).toBe(200)
  expect(Value.Check(ListPullRequestsResponse, answer.json())).toBe(true)
  return answer.json<ListPullRequestsResponse>().pull_requests
}
const approve = (id: string, token?: string) =>
  test.request('POST', `/v1/pull-requests/${id}/approve`, token === undefined ? {} : { token })
async function runsOf(repository: string) {
  const { rows } = await test.database.pool.query<Record<string, unknown>>(
    `select id, branch, commit_sha, trigger_type, triggered_by, trusted from runs
     where repository = $1 order by repository_ordinal`,
    [repository],
  )
  return rows
}

describe('a pull request of the repository’s own', () => {
  it('runs its head, in the name of whoever sent it', async () => {
    const commit = newCommit()
    await tell('acme/own', { number: 7, commit })
    expect(await runsOf('acme/own')).toMatchObject([
      {
        branch: 'refs/pull/7/head',
        commit_sha: commit,
        trigger_type: 'pull_request',
        triggered_by: 'mallory',
        trusted: true,
      },
    ])
    expect(await list('?repository=acme/own')).toEqual([])
  })
})

describe('a pull request of a fork', () => {
  it('gets no further by way of a run that a developer asks for', async () => {
    const developer = await test.tokenFor(['developer'])
    const [own, foreign] = [newCommit(), newCommit()]
    await tell('acme/asked', { number: 1, commit: own })
    await test.database.pool.query(
      `update runs set status = 'success', completed_at = now() where repository = 'acme/asked'`,
    )
    await tell('acme/asked', { number: 2, commit: foreign, fork })
    for (const [number, commit] of [
      [1, own],
      [2, foreign],
    ]) {
      const body = {
        repository: 'acme/asked',
        branch: `refs/pull/${number}/head`,
        commit_sha: commit,
        trigger_type: 'manual',
      }
      const answer = await test.request('POST', '/v1/runs', { body, token: developer })
      expect(answer.statusCode, answer.body).toBe(201)
    }
    expect((await runsOf('acme/asked')).slice(1)).toMatchObject([
      { branch: 'refs/pull/1/head', trusted: true },
      { branch: 'refs/pull/2/head', trusted: false },
    ])
  })

  it('waits, and runs untrusted when somebody lets it', async () => {
    const commit = newCommit()
    await tell('acme/shop', { number: 7, commit, fork, title: 'Make it\nfaster' })
    expect(await runsOf('acme/shop')).toEqual([])
    const [waiting, ...others] = await list('?repository=acme/shop&status=waiting')
    expect(others).toEqual([])
    expect(waiting).toMatchObject({
      repository: 'acme/shop',
      number: 7,
      title: 'Make it faster',
      author: 'mallory',
      head_repository: fork,
      head_ref: 'patch-1',
      commit_sha: commit,
      status: 'waiting',
      decided_at: null,
      decided_by: null,
      run_id: null,
    })
    const operator = await test.tokenFor(['operator'])
    const answer = await approve(waiting!.id, operator)
    expect(answer.statusCode).toBe(201)
    const run = answer.json<CreateRunResponse>()
    expect(Value.Check(CreateRunResponse, run)).toBe(true)
    expect(answer.headers['location']).toBe(`/v1/runs/${run.id}`)
    expect(await runsOf('acme/shop')).toMatchObject([
      {
        id: run.id,
        branch: 'refs/pull/7/head',
        commit_sha: commit,
        trigger_type: 'pull_request',
        triggered_by: 'mallory',
        trusted: false,
      },
    ])
    const [approved] = await list('?repository=acme/shop')
    expect(approved).toMatchObject({ status: 'approved', run_id: run.id })
    expect(approved?.decided_by).toMatch(/^token /)
    const again = await approve(waiting!.id, operator)
    expect(again.statusCode).toBe(409)
    expect(again.json().error.details).toEqual({ status: 'approved', run_id: run.id })
  })

  it('that is gone waits all the same', async () => {
    await tell('acme/gone', { number: 1, commit: newCommit(), fork: null })
    expect(await list('?repository=acme/gone')).toMatchObject([{ head_repository: null }])
    expect(await runsOf('acme/gone')).toEqual([])
  })

  it('waits again with each commit: what was let run was that commit', async () => {
    const first = newCommit()
    const second = newCommit()
    await tell('acme/moves', { number: 3, commit: first, fork })
    const [old] = await list('?repository=acme/moves')
    await tell('acme/moves', { number: 3, commit: second, fork, action: 'synchronize' })
    expect(await list('?repository=acme/moves')).toMatchObject([
      { commit_sha: second, status: 'waiting' },
      { commit_sha: first, status: 'superseded' },
    ])
    const late = await approve(old!.id)
    expect(late.statusCode).toBe(409)
    expect(late.json().error).toMatchObject({
      message: 'The pull request has moved on to another commit',
      details: { status: 'superseded' },
    })
    expect(await runsOf('acme/moves')).toEqual([])
  })

  it('waits no longer when it is closed, and again when it is reopened', async () => {
    const commit = newCommit()
    await tell('acme/closed', { number: 4, commit, fork })
    await tell('acme/closed', { number: 4, commit, fork, action: 'closed' })
    const [closed] = await list('?repository=acme/closed')
    expect(closed).toMatchObject({ status: 'closed', decided_by: null })
    expect((await approve(closed!.id)).statusCode).toBe(409)
    await tell('acme/closed', { number: 4, commit, fork, action: 'reopened' })
    expect(await list('?repository=acme/closed&status=waiting')).toMatchObject([{ id: closed!.id }])
    expect((await approve(closed!.id)).statusCode).toBe(201)
    await test.database.pool.query(`update runs set status = 'success', completed_at = now()`)
    await tell('acme/closed', { number: 4, commit, fork, action: 'reopened' })
    expect(await runsOf('acme/closed')).toMatchObject([{ trusted: false }, { trusted: false }])
  })

  it('still waits where its run could not start', async () => {
    const commit = newCommit()
    await tell('acme/busy', { number: 5, commit, fork })
    const [waiting] = await list('?repository=acme/busy')
    await test.database.pool.query(
      `insert into runs (id, repository, branch, commit_sha, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal)
       values (gen_random_uuid(), 'acme/busy', 'refs/pull/5/head', $1, 'push', 'x', 100, 1)`,
      [commit],
    )
    expect((await approve(waiting!.id)).statusCode).toBe(409)
    expect(await list('?repository=acme/busy&status=waiting')).toHaveLength(1)
  })

  it('is for operators to decide on, and nobody’s who may not see its repository', async () => {
    await tell('acme/seen', { number: 6, commit: newCommit(), fork })
    const [waiting] = await list('?repository=acme/seen')
    for (const role of ['viewer', 'developer', 'approver', 'service-account']) {
      const answer = await approve(waiting!.id, await test.tokenFor([role]))
      expect(answer.statusCode, role).toBe(403)
    }
    const elsewhere = await test.tokenFor(['operator'], { repositories: ['acme/other'] })
    const hidden = await approve(waiting!.id, elsewhere)
    expect(hidden.statusCode).toBe(404)
    expect(await list('', elsewhere)).toEqual([])
    const here = await test.tokenFor(['viewer'], { repositories: ['acme/seen'] })
    expect(await list('', here)).toMatchObject([{ id: waiting!.id }])
    const unknown = await approve('0198c5a2-8d4e-7c3a-9f10-000000000001')
    expect(unknown.statusCode).toBe(404)
  })

  it('is listed newest first, in pages', async () => {
    for (let number = 1; number <= 5; number++) {
      await tell('acme/pages', { number, commit: newCommit(), fork })
    }
    const page = await test.request(
      'GET',
      '/v1/pull-requests?repository=acme/pages&limit=2&offset=1',
    )
    const body = page.json<ListPullRequestsResponse>()
    expect(body.pull_requests.map(({ number }) => number)).toEqual([4, 3])
    expect(body).toMatchObject({ limit: 2, offset: 1, has_more: true })
    expect(await list('?repository=acme/pages&limit=3&offset=2')).toHaveLength(3)
    for (const query of ['?limit=101', '?status=x', '?repository=x', '?x=1']) {
      expect((await test.request('GET', `/v1/pull-requests${query}`)).statusCode, query).toBe(400)
    }
  })
})
