import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noApproval, problemsOf } from '../../../../test/support/config-problems.ts'
import { readConfig } from './read-config.ts'

describe('the file of SLIPWAY_CONFIG', () => {
  let directory: string
  beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'slipway-config-'))))
  afterAll(() => rm(directory, { recursive: true }))

  async function file(text: string): Promise<string> {
    const path = join(directory, 'slipway.yaml')
    await writeFile(path, text)
    return path
  }

  it('sets how long things are kept', async () => {
    const path = await file('retention:\n  runs: 30d\n  jobs: 12h\n')
    const { retention, retentionOfFile } = await readConfig({ SLIPWAY_CONFIG: path })
    expect(retentionOfFile).toEqual(['runs', 'jobs'])
    expect(retention).toEqual({
      runsMs: 30 * 86_400_000,
      logsMs: 7 * 86_400_000,
      jobsMs: 43_200_000,
      eventsMs: 90 * 86_400_000,
    })
  })

  it('sets how long the steps of builds may take, each by itself', async () => {
    const path = await file('builds:\n  timeouts:\n    clone_repo: 90s\n    build_image: 2h\n')
    const { buildTimeouts } = await readConfig({ SLIPWAY_CONFIG: path })
    expect(buildTimeouts).toMatchObject({
      clone_repo: 90_000,
      build_image: 7_200_000,
      create_zip: 1_800_000,
    })
  })

  it('changes environments key by key, and adds others', async () => {
    const path = await file(`
environments:
  production:
    approval: { approvals: 2, expires: 12h, selfApproval: false }
  staging:
    autoDeploy: true
  eu-west:
    approval: { required: true, roles: [admin] }
    branches: [main, 'hotfix/**']
    triggers: [manual]
    logRetention: 365
`)
    const { environments } = await readConfig({ SLIPWAY_CONFIG: path })
    expect(environments.map(({ name }) => name)).toEqual([
      'dev',
      'staging',
      'production',
      'eu-west',
    ])
    const [, staging, production, euWest] = environments
    expect(staging).toMatchObject({ autoDeploy: true, branches: ['main', 'release/*'] })
    expect(production).toMatchObject({
      approval: {
        required: true,
        approvals: 2,
        roles: ['approver', 'operator', 'admin'],
        expiresMs: 43_200_000,
        selfApproval: false,
      },
      triggers: ['tag', 'manual'],
      logRetentionDays: 90,
    })
    expect(euWest).toEqual({
      name: 'eu-west',
      approval: { ...noApproval, required: true, roles: ['admin'] },
      branches: ['main', 'hotfix/**'],
      repositoryBranches: null,
      triggers: ['manual'],
      autoDeploy: false,
      logRetentionDays: 365,
    })
  })

  it('names everything that is wrong with environments at once', async () => {
    const path = await file(`
environments:
  dev: nothing
  staging:
    approval: { required: yes please, approvals: 0, roles: [king], expires: soon, self: true }
    branches: main
    triggers: [push, tag]
    logRetention: 30d
    protected: true
  production:
    approval: { roles: [], expires: 90d }
    branches: ['release/[0-9]', '']
    autoDeploy: true
  -x: {}
`)
    const problems = await problemsOf({ SLIPWAY_CONFIG: path })
    const prefix = `SLIPWAY_CONFIG (${path}): environments.`
    expect(problems.every((problem) => problem.startsWith(prefix))).toBe(true)
    expect(problems.map((problem) => problem.slice(prefix.length)).toSorted()).toEqual([
      '-x: a name is at most 63 letters, digits, ".", "_" and "-", the first a letter or digit',
      'dev: must be a mapping',
      'production.approval.expires: must be from 1m to 30d',
      'production.approval.roles: must not be empty',
      'production.autoDeploy: nothing is deployed unasked where approval.required is true; set one of them to false',
      'production.branches[0]: may have only * and ** as wildcards, and no spaces',
      'production.branches[1]: may have only * and ** as wildcards, and no spaces',
      'staging.approval.approvals: must be a whole number of 1 to 20',
      'staging.approval.expires: "soon" is not a duration such as 30s, 12h or 90d',
      'staging.approval.required: must be a boolean',
      'staging.approval.roles[0]: must be one of developer, approver, operator, admin',
      'staging.approval.self: there is no such setting',
      'staging.branches: must be a list',
      'staging.logRetention: must be a whole number of 1 to 3650',
      'staging.protected: there is no such setting',
      'staging.triggers[0]: must be one of branch, tag, manual',
    ])
  })

  it('may be empty', async () => {
    expect((await readConfig({ SLIPWAY_CONFIG: await file('# nothing\n') })).retention.jobsMs).toBe(
      604_800_000,
    )
  })

  it.each([
    ['retention:\n  run: 30d\n', 'retention.run: there is no such setting; did you mean runs?'],
    ['workers: []\n', 'workers: there is no such setting'],
    ['retention: 90d\n', 'retention: must be a mapping'],
    ['retention:\n  runs: 90\n', 'retention.runs: must be a string'],
    [
      'retention:\n  runs: soon\n',
      'retention.runs: "soon" is not a duration such as 30s, 12h or 90d',
    ],
    ['- a\n', 'must hold a mapping of settings'],
    [
      'builds:\n  timeouts: {create_zip: soon}\n',
      'builds.timeouts.create_zip: "soon" is not a duration such as 30s, 12h or 90d',
    ],
    [
      'builds:\n  timeouts: {push_registry: 8d}\n',
      'builds.timeouts.push_registry: must not be longer than 7d',
    ],
    [
      'publishers:\n  x: {type: filesystem, pth: /srv}\n',
      'publishers.x.pth: there is no such setting; did you mean path?',
    ],
    [
      'publishers:\n  x: {type: filesystem, path: srv}\n',
      'publishers/x/path: must be an absolute path, not "srv".',
    ],
    ['retention:\n  runs: "x\n', /line \d+: /],
  ])('names what is wrong with %j', async (text, problem) => {
    const path = await file(text)
    const problems = await problemsOf({ SLIPWAY_CONFIG: path, PORT: 'x' })
    expect(problems).toHaveLength(2)
    const [, prefix = '', message] =
      /^(SLIPWAY_CONFIG \(.*\): )(.*)$/s.exec(problems[1] ?? '') ?? []
    expect(prefix).toBe(`SLIPWAY_CONFIG (${path}): `)
    expect(message).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem))
  })

  it('must be there when it is named', async () => {
    const path = join(directory, 'missing.yaml')
    expect(await problemsOf({ SLIPWAY_CONFIG: path })).toEqual([
      `SLIPWAY_CONFIG (${path}): cannot be read (ENOENT)`,
    ])
  })
})
