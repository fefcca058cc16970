import { resolve } from 'node:path'
import type { TaskJob } from '@slipway/contract/jobs'
import type { StepConfig } from '@slipway/forge'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stepEnvironment } from '../worker/step-environment.ts'
import { noApproval, problemsOf } from '../../../../test/support/config-problems.ts'
import { readConfig } from './read-config.ts'
import { settings } from './settings.ts'

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
        internalUrl: null,
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
      builds: {
        officialRepositoryUrl: 'https://github.com/open-webui/open-webui.git',
        capacity: 2,
      },
      buildTimeouts: {
        clone_repo: 600_000,
        apply_branding: 600_000,
        apply_config: 300_000,
        create_zip: 1_800_000,
        build_image: 3_600_000,
        push_registry: 1_800_000,
      },
      images: {
        host: { kind: 'unix', socketPath: '/var/run/docker.sock' },
        certPath: null,
        buildNetwork: 'default',
        pull: { policy: 'missing', timeoutMs: 600_000 },
      },
      oci: { registry: null, credential: null, plainHttp: [] },
      orchestrator: { kind: 'server' },
      executor: { kind: 'process', stepImage: null, kubernetes: null },
      cluster: { kubeconfig: null, service: null, namespace: null },
      github: {
        apiUrl: 'https://api.github.com',
        credential: null,
        mcp: null,
        webhookSecret: null,
        webhookRepositories: ['*'],
      },
      status: { anonymous: false, monitored: null, pollMs: 60_000 },
      sockets: { maxClients: 2_000 },
      runnerApi: { rateLimit: 100, rateWindowMs: 900_000 },
      runnerClasses: [],
      githubActionsRules: [],
      signIn: {
        oidc: null,
        sessions: { lifetimeMs: 30 * 86_400_000, idleMs: 3 * 86_400_000 },
        githubActions: null,
      },
      worker: {
        capacity: expect.any(Number),
        types: null,
        port: null,
        serverUrl: null,
        token: null,
        tokenFile: null,
        drainMs: 600_000,
      },
      webhooks: { allowPrivate: [] },
      artifacts: {
        limitBytes: 2_147_483_648,
        signingKeyPath: null,
        signingKeyPassword: null,
      },
      publishers: [],
      nats: null,
      s3: null,
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
      retentionOfFile: [],
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
      tracing: null,
      logLevel: 'info',
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
      SLIPWAY_WORKER_TYPES: 'task, build',
      SLIPWAY_SERVER_URL: 'https://slipway.example.org/',
      SLIPWAY_WORKER_TOKEN: 'a worker’s token',
      SLIPWAY_WORKER_TOKEN_FILE: '/run/secrets/worker-token',
      SLIPWAY_DRAIN_TIMEOUT: '90s',
      SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '10.0.0.0/8, ::1,chat.intern',
      SLIPWAY_STEP_OUTPUT_LIMIT: '1GB',
      SLIPWAY_STEP_MEMORY_LIMIT: '2GiB',
      SLIPWAY_STEP_PIDS_LIMIT: '64',
      SLIPWAY_STEP_CPU_LIMIT: '1.5',
      API_RATE_LIMIT: '5000',
      API_RATE_WINDOW: '1m',
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
      worker: {
        capacity: 7,
        types: ['task', 'build'],
        serverUrl: 'https://slipway.example.org',
        token: 'a worker’s token',
        tokenFile: '/run/secrets/worker-token',
        drainMs: 90_000,
      },
      runnerApi: { rateLimit: 5_000, rateWindowMs: 60_000 },
      webhooks: { allowPrivate: ['10.0.0.0/8', '::1', 'chat.intern'] },
      steps: {
        allowUnisolated: true,
        outputLimitBytes: 1e9,
        memoryLimitBytes: 2 * 1024 ** 3,
        pidsLimit: 64,
        cpuLimit: 1.5,
      },
      logLevel: 'debug',
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
      DOCKER_HOST: 'ssh://docker',
      SLIPWAY_BUILD_NETWORK: 'host',
      API_RATE_LIMIT: '0',
      API_RATE_WINDOW: '2d',
      DEBUG: 'express:*',
    })
    expect(problems.map((problem) => problem.split(':')[0] ?? '').toSorted()).toEqual([
      'API_RATE_LIMIT',
      'API_RATE_WINDOW',
      'DATABASE_URL',
      'DEBUG',
      'DOCKER_HOST',
      'GIT_BASE_URL',
      'HOST',
      'OCI_PLAIN_HTTP',
      'OCI_REGISTRY',
      'PORT',
      'SLIPWAY_ADMIN_TOKEN',
      'SLIPWAY_ALLOW_UNISOLATED',
      'SLIPWAY_BUILD_NETWORK',
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
      'OIDC_CLIENT_SECRET',
      'SLIPWAY_MASTER_KEY',
      'SLIPWAY_PREVIOUS_MASTER_KEYS',
      'ARGOCD_TOKEN',
      'GITHUB_TOKEN',
      'GITHUB_APP_PRIVATE_KEY',
      'GITHUB_MCP_TOKEN',
      'GITHUB_WEBHOOK_SECRET',
      'NATS_URL',
      'NATS_TOKEN',
      'NATS_NKEY',
      'S3_SECRET_ACCESS_KEY',
      'SLIPWAY_WORKER_TOKEN',
      'OTEL_EXPORTER_OTLP_HEADERS',
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

  it('wants the settings of deployments to fit together', async () => {
    expect(
      await problemsOf({
        GITOPS_REPOSITORY_URL: 'file:///srv/ops.git',
        GITOPS_BRANCH: 'a..b',
        GITOPS_RECONCILER: 'flux',
        ARGOCD_APP: '{environment}-{team}',
      }),
    ).toEqual([
      'GITOPS_BRANCH: must be the name of a branch, such as main',
      'GITOPS_RECONCILER: must be one of git, callback, argocd',
      'ARGOCD_APP: {team} stands for nothing; there are {environment}, {owner}, {repo}, {project}',
      'GITOPS_REPOSITORY_URL: a file: URL needs SLIPWAY_ALLOW_FILE_REPOSITORIES=true',
    ])
    expect(await problemsOf({ GITOPS_RECONCILER: 'argocd', GITOPS_CREDENTIAL: 'ops' })).toEqual([
      'GITOPS_CREDENTIAL: is for GITOPS_REPOSITORY_URL, which is not set',
      'ARGOCD_URL: is needed by GITOPS_RECONCILER=argocd',
      'ARGOCD_TOKEN: is needed by GITOPS_RECONCILER=argocd',
    ])
  })
})
