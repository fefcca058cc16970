import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TaskJob } from '@slipway/contract/jobs'
import type { StepConfig } from '@slipway/forge'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stepEnvironment } from '../worker/step-environment.ts'
import { ConfigError, readConfig } from './read-config.ts'
import { settings } from './settings.ts'

async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  try {
    await readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const noApproval = {
  required: false,
  approvals: 1,
  roles: ['approver', 'operator', 'admin'],
  expiresMs: 86_400_000,
  selfApproval: true,
}

describe('readConfig', () => {
  it('has a default for everything', async () => {
    const config = await readConfig({})
    expect(config).toEqual({
      http: {
        host: '127.0.0.1',
        port: 3000,
        publicUrl: null,
        trustProxy: false,
        compatPorts: [3001, 3070],
      },
      dataDir: resolve('.slipway'),
      databaseUrl: null,
      adminToken: null,
      masterKey: null,
      previousMasterKeys: [],
      git: { baseUrl: 'https://github.com', allowFileRepositories: false, credential: null },
      gitops: {
        url: null,
        branch: 'main',
        credential: null,
        reconciler: 'git',
        reconcileTimeoutMs: 600_000,
        argocd: null,
      },
      oci: { registry: null, credential: null, plainHttp: [] },
      worker: { capacity: expect.any(Number) },
      webhooks: { allowPrivate: [] },
      artifacts: {
        limitBytes: 2_147_483_648,
        signingKeyPath: null,
        signingKeyPassword: null,
      },
      publishers: [],
      steps: {
        allowUnisolated: false,
        outputLimitBytes: 268_435_456,
        memoryLimitBytes: null,
        pidsLimit: 4096,
        cpuLimit: null,
      },
      retention: {
        runsMs: 90 * 86_400_000,
        logsMs: 7 * 86_400_000,
        jobsMs: 7 * 86_400_000,
        eventsMs: 90 * 86_400_000,
      },
      environments: [
        {
          name: 'dev',
          approval: noApproval,
          branches: ['**'],
          repositoryBranches: null,
          triggers: ['branch', 'tag'],
          autoDeploy: true,
          logRetentionDays: 7,
        },
        {
          name: 'staging',
          approval: noApproval,
          branches: ['main', 'release/*'],
          repositoryBranches: null,
          triggers: ['branch'],
          autoDeploy: false,
          logRetentionDays: 30,
        },
        {
          name: 'production',
          approval: { ...noApproval, required: true },
          branches: ['**'],
          repositoryBranches: null,
          triggers: ['tag', 'manual'],
          autoDeploy: false,
          logRetentionDays: 90,
        },
      ],
      debug: false,
    })
    expect(config.worker.capacity).toBeGreaterThanOrEqual(2)
  })

  it('reads every setting', async () => {
    const old = Buffer.alloc(32, 9)
    const key = Buffer.alloc(32, 7)
    const config = await readConfig({
      PORT: '8080',
      HOST: '::',
      SLIPWAY_PUBLIC_URL: 'https://ci.example.com/slipway/',
      SLIPWAY_TRUST_PROXY: 'loopback, 10.0.0.0/8,2001:db8::1',
      SLIPWAY_COMPAT_PORTS: '3001, 8080,3001',
      SLIPWAY_DATA_DIR: '/var/lib/slipway',
      DATABASE_URL: 'postgres://u:p@db/slipway',
      SLIPWAY_ADMIN_TOKEN: 'a'.repeat(20),
      SLIPWAY_ALLOW_UNISOLATED: 'yes',
      SLIPWAY_MASTER_KEY: key.toString('base64'),
      SLIPWAY_PREVIOUS_MASTER_KEYS: `${old.toString('hex')}, ${key.toString('base64')}`,
      GIT_CREDENTIAL: 'github',
      GIT_BASE_URL: 'file:///srv/git/',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'TRUE',
      OCI_REGISTRY: 'registry.example.com:5000/team/ci',
      OCI_CREDENTIAL: 'registry',
      OCI_PLAIN_HTTP: 'registry.intern:5000, [fd00::1]',
      GITOPS_REPOSITORY_URL: 'ssh://git@git.example.com/ops.git',
      GITOPS_BRANCH: 'releases/live',
      GITOPS_CREDENTIAL: 'ops',
      GITOPS_RECONCILER: 'argocd',
      GITOPS_RECONCILE_TIMEOUT: '90s',
      ARGOCD_URL: 'https://argocd.example.com/',
      ARGOCD_TOKEN: 'a-token',
      ARGOCD_APP: '{owner}.{repo}-{environment}',
      SLIPWAY_WORKER_CAPACITY: '7',
      SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '10.0.0.0/8, ::1,chat.intern',
      SLIPWAY_STEP_OUTPUT_LIMIT: '1GB',
      SLIPWAY_STEP_MEMORY_LIMIT: '2GiB',
      SLIPWAY_STEP_PIDS_LIMIT: '64',
      SLIPWAY_STEP_CPU_LIMIT: '1.5',
      DEBUG: '1',
    })
    expect(config).toMatchObject({
      http: {
        host: '::',
        port: 8080,
        publicUrl: 'https://ci.example.com/slipway',
        trustProxy: ['loopback', '10.0.0.0/8', '2001:db8::1'],
        compatPorts: [3001],
      },
      dataDir: '/var/lib/slipway',
      databaseUrl: 'postgres://u:p@db/slipway',
      adminToken: 'a'.repeat(20),
      masterKey: key,
      previousMasterKeys: [old, key],
      git: { baseUrl: 'file:///srv/git', allowFileRepositories: true, credential: 'github' },
      gitops: {
        url: 'ssh://git@git.example.com/ops.git',
        branch: 'releases/live',
        credential: 'ops',
        reconciler: 'argocd',
        reconcileTimeoutMs: 90_000,
        argocd: {
          url: 'https://argocd.example.com',
          token: 'a-token',
          application: '{owner}.{repo}-{environment}',
        },
      },
      oci: {
        registry: 'registry.example.com:5000/team/ci',
        credential: 'registry',
        plainHttp: ['registry.intern:5000', '[fd00::1]'],
      },
      worker: { capacity: 7 },
      webhooks: { allowPrivate: ['10.0.0.0/8', '::1', 'chat.intern'] },
      steps: {
        allowUnisolated: true,
        outputLimitBytes: 1e9,
        memoryLimitBytes: 2 * 1024 ** 3,
        pidsLimit: 64,
        cpuLimit: 1.5,
      },
      debug: true,
    })
  })

  it('takes an empty value for none, where that means something, else for absent', async () => {
    const { http, git } = await readConfig({ SLIPWAY_COMPAT_PORTS: '', GIT_BASE_URL: '', PORT: '' })
    expect([http.compatPorts, http.port, git.baseUrl]).toEqual([[], 3000, 'https://github.com'])
  })

  it('names all problems at once, with the value of no secret', async () => {
    const problems = await problemsOf({
      PORT: 'http',
      HOST: 'a b',
      SLIPWAY_PUBLIC_URL: 'ftp://x',
      SLIPWAY_TRUST_PROXY: '10.0.0.0/40',
      SLIPWAY_COMPAT_PORTS: '0',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      SLIPWAY_ADMIN_TOKEN: 'hunter2',
      SLIPWAY_ALLOW_UNISOLATED: 'maybe',
      SLIPWAY_MASTER_KEY: 'hunter2',
      GIT_BASE_URL: 'https://user:hunter2@github.com',
      OCI_REGISTRY: 'https://registry.example.com',
      OCI_PLAIN_HTTP: 'a,b/c',
      SLIPWAY_STEP_OUTPUT_LIMIT: 'lots',
      SLIPWAY_STEP_CPU_LIMIT: '0',
      SLIPWAY_WORKER_CAPACITY: '0',
      SLIPWAY_DATA_DIRS: '/x',
      DEBUG: 'express:*',
    })
    expect(problems.map((problem) => problem.split(':')[0] ?? '').toSorted()).toEqual([
      'DATABASE_URL',
      'DEBUG',
      'GIT_BASE_URL',
      'HOST',
      'OCI_PLAIN_HTTP',
      'OCI_REGISTRY',
      'PORT',
      'SLIPWAY_ADMIN_TOKEN',
      'SLIPWAY_ALLOW_UNISOLATED',
      'SLIPWAY_COMPAT_PORTS',
      'SLIPWAY_DATA_DIRS',
      'SLIPWAY_MASTER_KEY',
      'SLIPWAY_PUBLIC_URL',
      'SLIPWAY_STEP_CPU_LIMIT',
      'SLIPWAY_STEP_OUTPUT_LIMIT',
      'SLIPWAY_TRUST_PROXY',
      'SLIPWAY_WORKER_CAPACITY',
    ])
    expect(problems.join()).not.toContain('hunter2')
    expect(problems).toContain(
      'SLIPWAY_DATA_DIRS: there is no such setting; did you mean SLIPWAY_DATA_DIR?',
    )
  })

  it('never repeats what was given for a secret', async () => {
    const secrets = Object.entries(settings).filter(([, setting]) => 'secret' in setting)
    expect(secrets.map(([name]) => name)).toEqual([
      'DATABASE_URL',
      'SLIPWAY_ADMIN_TOKEN',
      'SLIPWAY_MASTER_KEY',
      'SLIPWAY_PREVIOUS_MASTER_KEYS',
      'COSIGN_PASSWORD',
    ])
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 12, unit: 'binary' }), async (value) => {
        for (const [name] of secrets) {
          expect((await problemsOf({ [name]: value })).join()).not.toContain(value)
        }
      }),
    )
  })

  it('leaves alone what clients and steps are told by names like ours', async () => {
    const ofStep = stepEnvironment({} as TaskJob, { env: {} } as StepConfig)
    const ofExecutor = { SLIPWAY_CACHE: 'c', SLIPWAY_EXECUTION: 'e' }
    const ofClient = { SLIPWAY_URL: 'u', SLIPWAY_TOKEN: 't', SLIPWAY_CLI_CONFIG: 'f' }
    expect(Object.keys(ofStep)).toContain('SLIPWAY_RUN_ID')
    expect(await problemsOf({ ...ofStep, ...ofExecutor, ...ofClient })).toEqual([])
  })

  it('wants a registry where there is a credential for one', async () => {
    expect(await problemsOf({ OCI_CREDENTIAL: 'registry' })).toEqual([
      'OCI_CREDENTIAL: it has no meaning without OCI_REGISTRY',
    ])
  })

  it('wants leave for repositories in files', async () => {
    expect(await problemsOf({ GIT_BASE_URL: 'file:///srv/git' })).toEqual([
      'GIT_BASE_URL: a file: URL needs SLIPWAY_ALLOW_FILE_REPOSITORIES=true',
    ])
  })
})

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
    const { retention } = await readConfig({ SLIPWAY_CONFIG: path })
    expect(retention).toEqual({
      runsMs: 30 * 86_400_000,
      logsMs: 7 * 86_400_000,
      jobsMs: 43_200_000,
      eventsMs: 90 * 86_400_000,
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
    ['runners: []\n', 'runners: there is no such setting'],
    ['retention: 90d\n', 'retention: must be a mapping'],
    ['retention:\n  runs: 90\n', 'retention.runs: must be a string'],
    [
      'retention:\n  runs: soon\n',
      'retention.runs: "soon" is not a duration such as 30s, 12h or 90d',
    ],
    ['- a\n', 'must hold a mapping of settings'],
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
