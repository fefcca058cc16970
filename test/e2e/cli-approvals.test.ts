import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateApprovalResponse } from '@slipway/contract/approvals'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { callCli } from '../support/call-cli.ts'
import type { CliResult } from '../support/run-cli.ts'
import { startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { forgeEnvironment, storeRelease } from '../support/stored-release.ts'

// The command line and a real server, with releases that were put into its database.

let server: TestServer
let database: TestDatabase
let directory: string
beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'slipway-environments-'))
  const path = join(directory, 'slipway.yaml')
  await writeFile(path, 'environments:\n  production:\n    approval: { approvals: 2 }\n')
  server = await startTestServer({ DATABASE_URL: database.url, SLIPWAY_CONFIG: path })
})
afterAll(async () => {
  await server.close()
  await database.close()
  await rm(directory, { recursive: true })
})

function cli(args: string[], token = server.token): Promise<CliResult> {
  return callCli(args, { env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: token } })
}

async function tokenFor(role: string): Promise<string> {
  const body = { name: `t-${randomUUID()}`, roles: [role] }
  return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
}

const toProduction = ['--to', 'production', '--reason', 'Tested in staging']

describe('slipway approve', () => {
  it('approves by id and by name, prints the id, and says until when', async () => {
    const { id, project, commit } = await storeRelease(database)
    const first = await cli(['approve', id, ...toProduction])
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f-]{36}\n$/) })
    expect(first.err).toMatch(/Approved for production until \d{4}-\d\d-\d\d \d\d:\d\d UTC/)
    const words = [project, commit.slice(0, 12), '-r', 'mycompany/myrepo', '--json']
    const second = await cli(
      ['approval', 'create', ...words, ...toProduction],
      await tokenFor('approver'),
    )
    expect(second.code, second.err).toBe(0)
    const made = JSON.parse(second.out) as CreateApprovalResponse
    expect(made).toMatchObject({ status: 'active' })
    const shown = await cli(['approval', 'show', id, '--to', 'production'])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.out).toContain('active (2 of 2)')
    expect(shown.out).toContain('Tested in staging')
    expect(shown.out).toContain(made.approval_id)
  })

  it('says why it is refused', async () => {
    const { id } = await storeRelease(database)
    const refused = await cli(['approve', id, ...toProduction], await tokenFor('developer'))
    expect(refused).toMatchObject({ code: 4, out: '' })
    expect(refused.err).toContain('it takes the role approver or operator or admin')
    const nowhere = await cli(['approve', id, '--to', 'prod', '--reason', 'x'])
    expect(nowhere.code).toBe(4)
    expect(nowhere.err).toContain('there are dev, staging, production')
  })

  it.each([
    ['api is no id of a release', ['approve', 'api', ...toProduction]],
    [
      "required option '--to, --environment <environment>'",
      ['approve', 'api', '42', '--reason', 'x'],
    ],
    ["required option '-m, --reason <text>'", ['approve', 'api', '42', '--to', 'production']],
  ])('asks for what it needs: %s', async (message, args) => {
    const { code, err } = await cli(args)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})

describe('slipway approval', () => {
  it('lists what there is, filtered, and goes on where there is more', async () => {
    const { id, project } = await storeRelease(database)
    for (const environment of ['production', 'dev']) {
      await cli(['approve', id, '--to', environment, '--reason', `for ${environment}`])
    }
    const all = await cli(['approval', 'list', id])
    expect(all.code, all.err).toBe(0)
    const [head, first, second, ...rest] = all.out.trimEnd().split('\n')
    expect(rest).toEqual([])
    expect(head).toMatch(/^APPROVAL +STATUS +ENVIRONMENT +RELEASE +UNTIL +BY +REASON$/)
    expect(first).toContain(`active  dev          mycompany/myrepo ${project} #1`)
    expect(second).toContain('for production')
    const page = await cli(['approval', 'list', id, '-n', '1'])
    expect(page.err).toContain('go on with --offset 1')
    const filters = ['--to', 'production', '--status', 'active', '--json']
    const filtered = await cli(['approval', 'list', id, ...filters])
    expect(JSON.parse(filtered.out)).toMatchObject({
      approvals: [{ environment: 'production', justification: 'for production' }],
      has_more: false,
    })
    const none = await cli(['approval', 'list', id, '--status', 'revoked'])
    expect(none).toMatchObject({ code: 0, out: '' })
    expect(none.err).toContain('No approvals')
  })

  it('revokes, and shows it', async () => {
    const { id } = await storeRelease(database)
    const approval = (await cli(['approve', id, ...toProduction])).out.trim()
    expect(await cli(['approval', 'revoke', approval])).toMatchObject({
      code: 0,
      err: `Revoked ${approval}\n`,
    })
    const shown = await cli(['approval', 'show', id, '--to', 'production'])
    expect(shown.out).toContain('revoked (0 of 2)')
    const unknown = await cli(['approval', 'revoke', randomUUID()])
    expect(unknown.code).toBe(4)
    expect(unknown.err).toContain('There is no approval')
  })
})

it('slipway environment list shows the policies, of the server and of a release', async () => {
  const plain = await cli(['environment', 'list'])
  expect(plain.code, plain.err).toBe(0)
  expect(plain.out).toBe(
    [
      'ENVIRONMENT  APPROVAL                                DEPLOYED UNASKED   LOGS',
      'dev          none                                    branch (**), tags  7 d',
      'staging      none                                    nothing            30 d',
      'production   2 of approver/operator/admin, for 24 h  nothing            90 d',
      '',
    ].join('\n'),
  )
  const { id } = await storeRelease(database, {
    environments: [
      forgeEnvironment('dev', { branches: ['main'] }),
      forgeEnvironment('production', { approval: { selfApproval: false, expiresMs: 1_800_000 } }),
    ],
  })
  const tightened = await cli(['environment', 'list', id])
  expect(tightened.out).toContain('branch (** and main), tags')
  expect(tightened.out).toContain('2 of approver/operator/admin, for 30 min, not one’s own')
})

describe('slipway batch', () => {
  it('approves many, says of each what became of it, and exits with 4 when one is refused', async () => {
    const [first, second] = [await storeRelease(database), await storeRelease(database)]
    const named = `${second.project}/${second.commit}`
    const words = ['-r', 'mycompany/myrepo', ...toProduction]
    const done = await cli(['batch', 'approve', first.id, named, first.id, ...words])
    expect(done).toMatchObject({
      code: 0,
      out: `✔ ${first.id}\n✔ ${second.id}\n`,
      err: 'Approved for production: 2\n',
    })
    const again = await cli(['batch', 'approve', first.id, ...words])
    expect(again.code).toBe(4)
    expect(again.out).toContain(`✖ ${first.id}  You have approved this release`)
    expect(again.err).toBe('Approved for production: 0, refused: 1\n')
    const json = await cli(['batch', 'approve', first.id, ...words, '--json'])
    expect(json.code).toBe(4)
    expect(JSON.parse(json.out)).toMatchObject({ results: [{ status: 409 }], failed: 1 })
  })

  it('cancels every active run of a repository, or of one branch', async () => {
    const name = 'acme/many'
    const repository = await createRepository(server.repositories, name)
    const slow = oneProject([{ name: 'a', action: 'run', run: 'sleep 100' }])
    const ids: string[] = []
    for (const branch of ['main', 'other', 'other']) {
      const commit = await repository.commit({ ...slow, unique: randomUUID() })
      ids.push(await startRun(server, name, commit, { branch }))
    }
    for (const [branch, count] of [
      ['other', 2],
      ['main', 1],
      ['main', 0],
    ] as const) {
      const done = await cli(['batch', 'cancel', '--all', '-r', name, '-b', branch])
      expect(done.code, done.err).toBe(0)
      expect(done.err).toBe(count === 0 ? 'Nothing is running.\n' : `Cancelled: ${count}\n`)
    }
    for (const id of ids) {
      expect(await server.json<Run>('GET', `/v1/runs/${id}`)).toMatchObject({ status: 'cancelled' })
    }
  })

  it.each([
    ['No runs are named', ['batch', 'cancel']],
    ['not both', ['batch', 'cancel', 'x', '--all']],
    ['neither the id of a release nor', ['batch', 'approve', 'api', ...toProduction]],
    [
      'At most 100 at once, not 101',
      ['batch', 'cancel', ...Array.from({ length: 101 }, () => randomUUID())],
    ],
  ])('asks for what it needs: %s', async (message, args) => {
    const { code, err } = await cli(args)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})
