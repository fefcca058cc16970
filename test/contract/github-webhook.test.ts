// GitHub's webhook: what it takes, what it refuses, and what comes of it.
import { createHmac, randomUUID } from 'node:crypto'
import examples from '@octokit/webhooks-examples' with { type: 'json' }
import { GithubDeliveryAnswer } from '@slipway/contract/github'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createOctokitGitHub } from '../../packages/server/src/adapters/github/octokit/create-octokit-github.ts'
import { matchRepositories } from '../../packages/server/src/github/index.ts'
import { createGithubApp, type GithubApp, secret } from '../support/github/app.ts'
import { pushOf, signDelivery } from '../support/github/deliver.ts'
import { startGitHubStandIn } from '../support/github/stand-in.ts'

let test: GithubApp
beforeAll(async () => void (test = await createGithubApp()))
afterAll(() => test.close())

const paths = ['/v1/webhooks/github', '/api/v2/webhooks/github', '/api/webhooks/github']
let commits = 0
const newCommit = () => String(++commits).padStart(40, 'a')
const sign = (event: string, payload: unknown, more: Record<string, string> = {}) =>
  signDelivery(secret, event, payload, more)

interface RunRow {
  id: string
  branch: string
  commit_sha: string
  trigger_type: string
  triggered_by: string
  trusted: boolean
}
async function runsOf(repository: string, app = test): Promise<RunRow[]> {
  const { rows } = await app.database.pool.query<RunRow>(
    `select id, branch, commit_sha, trigger_type, triggered_by, trusted from runs
     where repository = $1 order by repository_ordinal`,
    [repository],
  )
  return rows
}
async function noteOf(deliveryId: string | undefined, app = test) {
  const { rows } = await app.database.pool.query<{ status: string; note: string; run_id: string }>(
    `select status, note, run_id from github_deliveries where delivery_id = $1`,
    [deliveryId],
  )
  return rows[0]
}

describe('POST /v1/webhooks/github', () => {
  it('takes everything that was recorded of GitHub, and never fails', async () => {
    let count = 0
    const recorded = examples as unknown as { name: string; examples: { repository?: object }[] }[]
    for (const { name, examples: payloads } of recorded) {
      for (const payload of payloads) {
        const answer = await test.deliver(sign(name, payload))
        expect([200, 202], `${name} ${answer.body}`).toContain(answer.statusCode)
        expect(Value.Check(GithubDeliveryAnswer, answer.json()), answer.body).toBe(true)
        count += 1
      }
    }
    expect(count).toBe(329)
    await test.settled()
    const runs = await runsOf('Codertocat/Hello-World')
    expect(runs.map(({ branch }) => branch)).toEqual(
      expect.arrayContaining(['refs/tags/simple-tag', 'master', 'refs/pull/2/head']),
    )
    expect(new Set(runs.map(({ triggered_by }) => triggered_by))).toEqual(new Set(['Codertocat']))
    const { rows } = await test.database.pool.query(
      `select event, note from github_deliveries where status = 'failed'`,
    )
    expect(rows).toEqual([])
    const { rows: watched } = await test.database.pool.query(
      `select (select count(*)::int from workflow_runs) as runs,
              (select count(*)::int from workflow_jobs) as jobs`,
    )
    const idsIn = (event: 'workflow_run' | 'workflow_job') =>
      recorded
        .filter(({ name }) => name === event)
        .flatMap((one) => one.examples as Record<string, { id: number }>[])
        .map((payload) => payload[event]?.id)
    const [runIds, jobIds] = [idsIn('workflow_run'), idsIn('workflow_job')]
    expect(watched).toEqual([{ runs: new Set(runIds).size, jobs: new Set(jobIds).size }])
  })

  it.each(paths)('starts a run on a push to %s, in the name of whoever pushed', async (path) => {
    const repository = `acme/pushed-${paths.indexOf(path)}`
    const commit = newCommit()
    const delivery = sign('push', pushOf(repository, 'refs/heads/feature/x', commit))
    const answer = await test.deliver(delivery, path)
    expect(answer.statusCode).toBe(202)
    const id = delivery.headers['x-github-delivery']
    expect(answer.json()).toEqual({ delivery_id: id, status: 'accepted' })
    await test.settled()
    const [run, ...others] = await runsOf(repository)
    expect(others).toEqual([])
    expect(run).toMatchObject({
      branch: 'feature/x',
      commit_sha: commit,
      trigger_type: 'push',
      triggered_by: 'alice',
      trusted: true,
    })
    expect(await noteOf(id)).toMatchObject({ status: 'done', run_id: run?.id })
  })

  it('answers a ping, and says why it does nothing on others', async () => {
    const pong = await test.deliver(sign('ping', { zen: randomUUID() }))
    expect(pong.statusCode).toBe(200)
    expect(pong.json()).toMatchObject({ status: 'ignored', reason: 'nothing is done on ping' })
    const gone = pushOf('acme/shop', 'refs/heads/x', '0'.repeat(40), { deleted: true })
    const answer = await test.deliver(sign('push', gone))
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ status: 'ignored', reason: 'x was deleted' })
  })

  it('acts once on a delivery that comes again: under its id, or with its body', async () => {
    const payload = pushOf('acme/again', 'refs/heads/main', newCommit())
    const first = sign('push', payload)
    expect((await test.deliver(first)).json().status).toBe('accepted')
    await test.settled()
    await test.database.pool.query(`update runs set status = 'success', completed_at = now()`)
    const sameId = { 'x-github-delivery': first.headers['x-github-delivery']! }
    for (const again of [
      first,
      sign('push', payload),
      sign('push', { ...payload, x: 1 }, sameId),
    ]) {
      const answer = await test.deliver(again)
      expect(answer.statusCode).toBe(200)
      expect(answer.json().status).toBe('duplicate')
    }
    await test.settled()
    expect(await runsOf('acme/again')).toHaveLength(1)
  })

  it('takes a delivery again of which nothing came, once its cause is gone', async () => {
    const payload = pushOf('acme/later', 'refs/heads/main', newCommit())
    const first = sign('push', payload)
    expect((await test.deliver(first)).json().status).toBe('accepted')
    await test.settled()
    await test.database.pool.query(`delete from runs where repository = 'acme/later'`)
    await test.database.pool.query(
      `update github_deliveries set status = 'failed' where repository = 'acme/later'`,
    )
    expect((await test.deliver(first)).json().status).toBe('accepted')
    await test.settled()
    expect(await runsOf('acme/later')).toHaveLength(1)
    expect((await test.deliver(first)).json().status).toBe('duplicate')
  })

  it('takes a form, whose signature is of the form', async () => {
    const payload = JSON.stringify(pushOf('acme/form', 'refs/heads/main', newCommit()))
    const form = new URLSearchParams({ payload }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await test.deliver(sign('push', form, type))).statusCode).toBe(202)
    await test.settled()
    expect(await runsOf('acme/form')).toHaveLength(1)
    const empty = await test.deliver(sign('push', 'x=1', type))
    expect(empty.statusCode).toBe(400)
  })

  it('takes 25 MB, more than any other route, and not a byte more', async () => {
    const payload = pushOf('acme/large', 'refs/heads/main', newCommit())
    const rest = 25 * 1024 * 1024 - JSON.stringify({ ...payload, x: '' }).length
    const full = sign('push', { ...payload, x: 'y'.repeat(rest) })
    expect(Buffer.byteLength(full.body)).toBe(25 * 1024 * 1024)
    expect((await test.deliver(full)).statusCode).toBe(202)
    const over = await test.deliver(sign('push', { ...payload, x: 'y'.repeat(rest + 1) }))
    expect(over.statusCode).toBe(413)
    expect(over.json().error).toEqual({
      code: 'payload_too_large',
      message: 'The body is larger than 25 MB',
    })
  })

  it.each([
    ['no signature', { 'x-hub-signature-256': undefined }],
    [
      'another secret’s',
      { 'x-hub-signature-256': signDelivery('wrong', 'push', '{}').headers['x-hub-signature-256'] },
    ],
    [
      'SHA-1',
      { 'x-hub-signature-256': `sha1=${createHmac('sha1', secret).update('{}').digest('hex')}` },
    ],
    ['half of one', { 'x-hub-signature-256': 'sha256=abc' }],
  ])('refuses %s with 401, and stores nothing', async (_, headers) => {
    const delivery = sign('push', pushOf('acme/forged', 'refs/heads/main', newCommit()))
    const changed = Object.entries({ ...delivery.headers, ...headers }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    )
    const answer = await test.deliver({ ...delivery, headers: Object.fromEntries(changed) })
    expect(answer.statusCode).toBe(401)
    expect(answer.json().error.code).toBe('authentication_failed')
    expect(await noteOf(delivery.headers['x-github-delivery'])).toBeUndefined()
  })

  it('refuses a body that was changed on its way', async () => {
    const delivery = sign('push', pushOf('acme/forged', 'refs/heads/main', newCommit()))
    const answer = await test.deliver({ ...delivery, body: delivery.body.replace('main', 'prod') })
    expect(answer.statusCode).toBe(401)
  })

  it.each([
    ['garbage', 'push', '{"ref": ', 'The body is not valid JSON'],
    ['a list', 'push', '[]', 'The body is no JSON object'],
    ['null', 'push', 'null', 'The body is no JSON object'],
    ['nothing', 'push', '', 'The body is not valid JSON'],
  ])('refuses %s with 400', async (_, event, body, message) => {
    const answer = await test.deliver(sign(event, body))
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toEqual({ code: 'invalid_request', message })
  })

  it('refuses headers that are none of GitHub’s, and other kinds of bodies', async () => {
    const body = { nonce: randomUUID() }
    for (const header of ['x-github-event', 'x-github-delivery']) {
      for (const value of ['', "x'; --", 'x'.repeat(200)]) {
        const answer = await test.deliver(sign('push', body, { [header]: value }))
        expect(answer.statusCode, `${header}: ${value}`).toBe(400)
      }
    }
    const text = await test.deliver(sign('push', body, { 'content-type': 'text/plain' }))
    expect(text.statusCode).toBe(415)
  })

  it('writes deliveries into the audit log as GitHub’s, and of strangers only a little', async () => {
    for (let count = 0; count < 20; count++) {
      await test.deliver({ headers: { 'content-type': 'application/json' }, body: '{}' })
      await test.deliver(signDelivery('wrong', 'push', '{}', { 'x-github-event': '' }))
    }
    const { rows } = await test.database.pool.query<{ actor: string; count: number }>(
      `select actor, count(*)::int as count from audit_log
       where action = 'POST /v1/webhooks/github' group by actor`,
    )
    const by = Object.fromEntries(rows.map(({ actor, count }) => [actor, count]))
    expect(by['GitHub webhook']).toBeGreaterThan(300)
    expect(by['anonymous']).toBeLessThanOrEqual(10)
  })

  it('has no rate limit, and says nothing of a body in its log', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1100 }, () => test.deliver(sign('ping', { zen: randomUUID() }))),
    )
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    const marked = sign('push', `{"x": "${'marked-body'}`)
    await test.deliver(marked)
    await test.deliver(signDelivery('wrong', 'push', '{"x": "marked-body"}'))
    expect(test.logged.join()).not.toContain('marked-body')
    expect(test.logged.join()).not.toContain(secret)
  })
})

describe('a push', () => {
  it('starts runs in the order in which it came', async () => {
    const sent = Array.from({ length: 12 }, newCommit)
    for (const commit of sent) {
      await test.deliver(sign('push', pushOf('acme/order', 'refs/heads/main', commit)))
    }
    await test.settled()
    expect((await runsOf('acme/order')).map(({ commit_sha }) => commit_sha)).toEqual(sent)
  })

  it('of a commit whose run is active starts no other', async () => {
    const commit = newCommit()
    await test.deliver(sign('push', pushOf('acme/double', 'refs/heads/main', commit)))
    const second = sign('push', pushOf('acme/double', 'refs/heads/main', commit))
    await test.deliver(second)
    await test.settled()
    const [run] = await runsOf('acme/double')
    expect(await noteOf(second.headers['x-github-delivery'])).toMatchObject({
      status: 'done',
      run_id: run?.id,
      note: 'the commit had an active run already',
    })
  })

  it('waits, with those behind it, where the repository has as many runs as it may', async () => {
    const { pool } = test.database
    await pool.query(
      `insert into runs (id, repository, branch, commit_sha, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal)
       select gen_random_uuid(), 'acme/full', 'b' || n, 'c', 'push', 'x', 1000 + n, 1 from generate_series(1, 100) n`,
    )
    const delivery = sign('push', pushOf('acme/full', 'refs/heads/main', newCommit()))
    const id = delivery.headers['x-github-delivery']
    await test.deliver(delivery)
    await expect.poll(async () => (await noteOf(id))?.note).toContain('100 active runs')
    expect(await noteOf(id)).toMatchObject({ status: 'pending', run_id: null })
    const behind = sign('push', pushOf('acme/full', 'refs/heads/next', newCommit()))
    await test.deliver(behind)
    await pool.query(`delete from runs where repository = 'acme/full'`)
    await pool.query(
      `update github_deliveries set next_attempt_at = now() where delivery_id = $1`,
      [id],
    )
    await test.settled()
    expect((await runsOf('acme/full')).map(({ branch }) => branch)).toEqual(['main', 'next'])
  })
})

describe('a new tag', () => {
  const created = (repository: string, ref: string) => ({
    ref,
    ref_type: 'tag',
    repository: { id: 1, full_name: repository },
    sender: { login: 'alice' },
    nonce: randomUUID(),
  })
  async function openTagged() {
    const standIn = await startGitHubStandIn({ token: 'ghp_x' })
    const credential = { kind: 'token', token: 'ghp_x' } as const
    const github = createOctokitGitHub({ apiUrl: standIn.url, credential, version: '1.0.0' })
    const tagged = await createGithubApp({ github })
    onTestFinished(async () => {
      await tagged.close()
      await standIn.close()
      expect(standIn.violations).toEqual([])
    })
    return { standIn, tagged }
  }

  it('runs the commit that GitHub says, unless its push has done so', async () => {
    const { standIn, tagged } = await openTagged()
    standIn.commits.set('tags/v1', 'b'.repeat(40))
    const push = sign('push', pushOf('acme/tagged', 'refs/tags/v1', 'b'.repeat(40)))
    await tagged.deliver(push)
    await tagged.settled()
    const late = sign('create', created('acme/tagged', 'v1'))
    await tagged.deliver(late)
    await tagged.deliver(sign('create', created('acme/other', 'v1')))
    await tagged.settled()
    expect(await runsOf('acme/tagged', tagged)).toHaveLength(1)
    expect(await noteOf(late.headers['x-github-delivery'], tagged)).toMatchObject({
      note: 'its push came, too',
    })
    expect(await runsOf('acme/other', tagged)).toMatchObject([
      { branch: 'refs/tags/v1', commit_sha: 'b'.repeat(40), trigger_type: 'push' },
    ])
  })

  it('starts nothing where GitHub knows none, or nobody can ask', async () => {
    const { tagged } = await openTagged()
    await tagged.deliver(sign('create', created('acme/tagged', 'v9')))
    await tagged.settled()
    expect(await runsOf('acme/tagged', tagged)).toEqual([])
    await test.deliver(sign('create', created('acme/untold', 'v1')))
    await test.settled()
    expect(await runsOf('acme/untold')).toEqual([])
  })

  it('is asked for again when GitHub was away', async () => {
    const { standIn, tagged } = await openTagged()
    standIn.commits.set('tags/v1', 'b'.repeat(40))
    standIn.behave(() => ({ kind: 'hang up' }))
    const delivery = sign('create', created('acme/tagged', 'v1'))
    const id = delivery.headers['x-github-delivery']
    await tagged.deliver(delivery)
    await expect.poll(async () => (await noteOf(id, tagged))?.note).toContain("can't be reached")
    standIn.behave(null)
    await tagged.database.pool.query(`update github_deliveries set next_attempt_at = now()
                                      where status = 'pending'`)
    await tagged.settled()
    expect(await runsOf('acme/tagged', tagged)).toHaveLength(1)
  })
})

describe('settings', () => {
  it('close the webhook where no secret is set', async () => {
    const closed = await createGithubApp({ webhookSecret: null })
    onTestFinished(() => closed.close())
    for (const path of paths) {
      for (const key of [secret, '']) {
        const answer = await closed.deliver(signDelivery(key, 'ping', '{}'), path)
        expect(answer.statusCode).toBe(503)
        expect(answer.json().error).toEqual({
          code: 'unavailable',
          message: 'This server takes no deliveries: GITHUB_WEBHOOK_SECRET is not set',
        })
      }
    }
  })

  it('say which repositories start runs', async () => {
    const limited = await createGithubApp({ wants: matchRepositories(['acme/*']) })
    onTestFinished(() => limited.close())
    const ours = await limited.deliver(sign('push', pushOf('Acme/x', 'refs/heads/a', newCommit())))
    expect(ours.json().status).toBe('accepted')
    const other = await limited.deliver(sign('push', pushOf('evil/x', 'refs/heads/a', newCommit())))
    expect(other.json()).toMatchObject({
      status: 'ignored',
      reason: 'its repository is none of GITHUB_WEBHOOK_REPOSITORIES',
    })
    await limited.settled()
    expect(await runsOf('evil/x', limited)).toEqual([])
  })
})
