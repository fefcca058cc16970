import { type ClusterConfig, toCluster } from './cluster-settings.ts'
import { type ExecutorConfig, executorProblems, toExecutor } from './executor-settings.ts'
import { type FileConfig, readConfigFile } from './config-file.ts'
import { runnerPodProblems } from './runner-pods.ts'
import type { DockerHost } from './docker-host.ts'
import { type GithubMcpConfig, githubMcpProblems, toGithubMcp } from './github-mcp.ts'
import { namesOfOthers } from './names-of-others.ts'
import { InvalidValue } from './parse.ts'
import { type NatsConfig, natsProblems, toNats } from './nats-settings.ts'
import {
  type OrchestratorConfig,
  orchestratorProblems,
  toOrchestrator,
} from './orchestrator-settings.ts'
import type { ReconcilerName } from './parse-gitops.ts'
import { type S3Config, s3Problems, toS3 } from './s3-settings.ts'
import type { Setting } from './setting.ts'
import { type SettingName, type SettingValues, settings } from './settings.ts'
import { type SignInConfig, signInProblems, toSignIn } from './sign-in.ts'
import { suggest } from './suggest.ts'
import { toTracing, type TracingConfig } from './tracing.ts'

/** Milliseconds within which an image has to be pulled. */
const pullTimeoutMs = 600_000

/** All settings, checked, in the units the code uses. */
export interface Config extends FileConfig {
  http: {
    host: string
    port: number
    /** Without a slash at its end; null: the one that a request was sent to. */
    publicUrl: string | null
    /** Where other servers reach this one, without a slash at its end; null: see `internalUrlOf`. */
    internalUrl: string | null
    /** As Fastify takes it. */
    trustProxy: boolean | string[]
    compatPorts: readonly number[]
  }
  /** Absolute. */
  dataDir: string
  signIn: SignInConfig
  /** Null: the embedded PostgreSQL. */
  databaseUrl: string | null
  /** Null: the database moves jobs. */
  nats: NatsConfig | null
  /** Who begins the stages of runs. */
  orchestrator: OrchestratorConfig
  cluster: ClusterConfig
  executor: ExecutorConfig
  /** Null: the one kept in the data directory. */
  adminToken: string | null
  /** 32 bytes; null: the one kept in the data directory. */
  masterKey: Buffer | null
  /** 32 bytes each; what is encrypted under them can be read. */
  previousMasterKeys: readonly Buffer[]
  git: {
    baseUrl: string
    allowFileRepositories: boolean
    /** Name of a stored credential. */
    credential: string | null
  }
  /** Null: objects are files in the data directory. */
  s3: S3Config | null
  /** The engine that builds images, whether or not there is one. */
  images: {
    host: DockerHost
    /** Of `ca.pem`, `cert.pem` and `key.pem`; null: TCP without TLS. */
    certPath: string | null
    buildNetwork: 'default' | 'none'
    /** What is done about an image that the engine does not have. */
    pull: { policy: 'missing' | 'never'; timeoutMs: number }
  }
  builds: {
    /** What is built where a build names no repository. */
    officialRepositoryUrl: string
    /** Builds at once. */
    capacity: number
  }
  oci: {
    /** `host[:port][/prefix]`; null: the embedded store. */
    registry: string | null
    /** Name of a stored credential. */
    credential: string | null
    /** Hosts that may be spoken to without TLS. */
    plainHttp: readonly string[]
  }
  gitops: {
    /** Null: the embedded repository. */
    url: string | null
    branch: string
    credential: string | null
    reconciler: ReconcilerName
    reconcileTimeoutMs: number
    /** Null unless it is the reconciler. */
    argocd: { url: string; token: string; application: string } | null
  }
  github: {
    /** Without a slash at its end. */
    apiUrl: string
    /** Null: GitHub is told nothing. */
    credential:
      | { kind: 'token'; token: string }
      /** `privateKey` is PEM. */
      | { kind: 'app'; appId: string; privateKey: string }
      | null
    /** Null: the API is asked about workflows. */
    mcp: GithubMcpConfig | null
    /** Null: deliveries are refused. */
    webhookSecret: string | null
    /** Patterns; `*` alone: every one. */
    webhookRepositories: readonly string[]
  }
  /** `/api/v2/pipelines`. */
  status: {
    /** Whether its GET routes are open to those without a token. */
    anonymous: boolean
    /** owner/name each; null: every repository with a workflow that we hear of. */
    monitored: readonly string[] | null
    /** Milliseconds between two polls of a repository. */
    pollMs: number
  }
  sockets: { maxClients: number }
  /** `/api/jobs` and `/api/runners`: requests of one address within so many milliseconds. */
  runnerApi: { rateLimit: number; rateWindowMs: number }
  worker: {
    /** Tasks at once. */
    capacity: number
    /** Null: all that it can do. */
    types: readonly string[] | null
    /** Where a worker on another machine says how it is; null: nowhere. */
    port: number | null
    /** Of a worker on another machine; null: it is not said. */
    serverUrl: string | null
    /** Null: the one in the file. */
    token: string | null
    tokenFile: string | null
    /** Milliseconds that it goes on with what it has in hand when it is told to end. */
    drainMs: number
  }
  /** Networks, addresses and hosts that webhooks may go to although they are not public. */
  webhooks: { allowPrivate: readonly string[] }
  steps: {
    allowUnisolated: boolean
    outputLimitBytes: number
    memoryLimitBytes: number | null
    pidsLimit: number
    cpuLimit: number | null
  }
  artifacts: {
    limitBytes: number
    /** Null: nothing is signed. */
    signingKeyPath: string | null
    signingKeyPassword: string | null
  }
  /** Null: nothing is traced. */
  tracing: TracingConfig | null
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** Everything that is wrong with the settings, at once, each by name; no secret's value is in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Reads all settings from `env` and from the file it names, or throws one `ConfigError`. */
export async function readConfig(env: NodeJS.ProcessEnv): Promise<Config> {
  const problems: string[] = unknownNames(env)
  const values = readValues(env, problems)
  const file = await readConfigFile(values.SLIPWAY_CONFIG, (message) =>
    problems.push(`SLIPWAY_CONFIG (${values.SLIPWAY_CONFIG}): ${message}`),
  )
  if (
    values.GIT_BASE_URL?.startsWith('file:') &&
    values.SLIPWAY_ALLOW_FILE_REPOSITORIES === false
  ) {
    problems.push('GIT_BASE_URL: a file: URL needs SLIPWAY_ALLOW_FILE_REPOSITORIES=true')
  }
  if (
    values.OFFICIAL_REPOSITORY_URL?.startsWith('file:') &&
    values.SLIPWAY_ALLOW_FILE_REPOSITORIES === false
  ) {
    problems.push('OFFICIAL_REPOSITORY_URL: a file: URL needs SLIPWAY_ALLOW_FILE_REPOSITORIES=true')
  }
  if (values.OCI_REGISTRY === null && values.OCI_CREDENTIAL !== null) {
    problems.push('OCI_CREDENTIAL: it has no meaning without OCI_REGISTRY')
  }
  problems.push(...signInProblems(values, file.githubActionsRules))
  problems.push(...orchestratorProblems(values), ...executorProblems(values))
  problems.push(...gitOpsProblems(values), ...githubProblems(values), ...s3Problems(values))
  problems.push(...natsProblems(values))
  if (problems.length === 0)
    problems.push(...runnerPodProblems(file.runnerClasses, toCluster(values)))
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(values, file)
}

function gitOpsProblems(values: SettingValues): string[] {
  const url = values.GITOPS_REPOSITORY_URL
  const problems: string[] = []
  if (url?.startsWith('file:') && values.SLIPWAY_ALLOW_FILE_REPOSITORIES === false) {
    problems.push('GITOPS_REPOSITORY_URL: a file: URL needs SLIPWAY_ALLOW_FILE_REPOSITORIES=true')
  }
  if (url === null && values.GITOPS_CREDENTIAL !== null) {
    problems.push('GITOPS_CREDENTIAL: is for GITOPS_REPOSITORY_URL, which is not set')
  }
  if (values.GITOPS_RECONCILER === 'argocd') {
    for (const name of ['ARGOCD_URL', 'ARGOCD_TOKEN'] as const) {
      if (values[name] === null) problems.push(`${name}: is needed by GITOPS_RECONCILER=argocd`)
    }
  }
  return problems
}

function toGitOps(values: SettingValues): Config['gitops'] {
  const { ARGOCD_URL: url, ARGOCD_TOKEN: token, GITOPS_RECONCILER: reconciler } = values
  const isArgocd = reconciler === 'argocd' && url !== null && token !== null
  return {
    url: values.GITOPS_REPOSITORY_URL,
    branch: values.GITOPS_BRANCH,
    credential: values.GITOPS_CREDENTIAL,
    reconciler,
    reconcileTimeoutMs: values.GITOPS_RECONCILE_TIMEOUT,
    argocd: isArgocd ? { url, token, application: values.ARGOCD_APP } : null,
  }
}

function githubProblems(values: SettingValues): string[] {
  const { GITHUB_TOKEN: token, GITHUB_APP_ID: app, GITHUB_APP_PRIVATE_KEY: key } = values
  const problems: string[] = []
  // What was refused is undefined: that problem is told already.
  if (typeof app === 'string' && key === null) {
    problems.push('GITHUB_APP_PRIVATE_KEY: is needed by GITHUB_APP_ID')
  }
  if (typeof key === 'string' && app === null) {
    problems.push('GITHUB_APP_ID: is needed by GITHUB_APP_PRIVATE_KEY')
  }
  if (typeof token === 'string' && typeof app === 'string') {
    problems.push('GITHUB_TOKEN: either a token or a GitHub App, not both')
  }
  problems.push(...githubMcpProblems(values))
  return problems
}

function toGithub(values: SettingValues): Config['github'] {
  const { GITHUB_TOKEN: token, GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey } = values
  return {
    apiUrl: values.GITHUB_API_URL,
    credential:
      token !== null
        ? { kind: 'token', token }
        : appId !== null && privateKey !== null
          ? { kind: 'app', appId, privateKey }
          : null,
    mcp: toGithubMcp(values),
    webhookSecret: values.GITHUB_WEBHOOK_SECRET,
    webhookRepositories: values.GITHUB_WEBHOOK_REPOSITORIES,
  }
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('SLIPWAY_'))
    .filter((name) => !Object.hasOwn(settings, name) && !namesOfOthers.has(name))
    .map((name) => {
      const near = suggest(name, Object.keys(settings))
      return `${name}: there is no such setting${near === null ? '' : `; did you mean ${near}?`}`
    })
}

/** A value that was refused is undefined behind its type: `problems` then stops its use. */
function readValues(env: NodeJS.ProcessEnv, problems: string[]): SettingValues {
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting<unknown>][]) {
    const given = env[name]
    const text = given === undefined || (given === '' && !setting.emptyIsValue) ? null : given
    try {
      const source = text ?? setting.default
      values[name] = source === null ? null : setting.parse(source)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problems.push(`${name}: ${error.message}`)
    }
  }
  return values as SettingValues
}

function toConfig(values: SettingValues, file: FileConfig): Config {
  return {
    ...file,
    http: {
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.SLIPWAY_PUBLIC_URL,
      internalUrl: values.SLIPWAY_INTERNAL_URL,
      trustProxy: values.SLIPWAY_TRUST_PROXY,
      compatPorts: values.SLIPWAY_COMPAT_PORTS.filter((port) => port !== values.PORT),
    },
    dataDir: values.SLIPWAY_DATA_DIR,
    signIn: toSignIn(values, file.githubActionsRules),
    databaseUrl: values.DATABASE_URL,
    nats: toNats(values),
    adminToken: values.SLIPWAY_ADMIN_TOKEN,
    masterKey: values.SLIPWAY_MASTER_KEY,
    previousMasterKeys: values.SLIPWAY_PREVIOUS_MASTER_KEYS ?? [],
    git: {
      baseUrl: values.GIT_BASE_URL,
      allowFileRepositories: values.SLIPWAY_ALLOW_FILE_REPOSITORIES,
      credential: values.GIT_CREDENTIAL,
    },
    builds: {
      officialRepositoryUrl: values.OFFICIAL_REPOSITORY_URL,
      capacity: values.SLIPWAY_BUILD_CAPACITY,
    },
    s3: toS3(values),
    images: {
      host: values.DOCKER_HOST,
      certPath: values.DOCKER_CERT_PATH,
      buildNetwork: values.SLIPWAY_BUILD_NETWORK,
      pull: { policy: values.SLIPWAY_PULL_IMAGES ? 'missing' : 'never', timeoutMs: pullTimeoutMs },
    },
    oci: {
      registry: values.OCI_REGISTRY,
      credential: values.OCI_CREDENTIAL,
      plainHttp: values.OCI_PLAIN_HTTP,
    },
    gitops: toGitOps(values),
    github: toGithub(values),
    orchestrator: toOrchestrator(values),
    cluster: toCluster(values),
    executor: toExecutor(values),
    status: {
      anonymous: values.SLIPWAY_ANONYMOUS_STATUS,
      monitored: values.MONITORED_REPOSITORIES,
      pollMs: values.SLIPWAY_MONITOR_INTERVAL,
    },
    sockets: { maxClients: values.SLIPWAY_MAX_SOCKETS },
    runnerApi: { rateLimit: values.API_RATE_LIMIT, rateWindowMs: values.API_RATE_WINDOW },
    worker: {
      capacity: values.SLIPWAY_WORKER_CAPACITY,
      types: values.SLIPWAY_WORKER_TYPES,
      port: values.SLIPWAY_WORKER_PORT,
      serverUrl: values.SLIPWAY_SERVER_URL,
      token: values.SLIPWAY_WORKER_TOKEN,
      tokenFile: values.SLIPWAY_WORKER_TOKEN_FILE,
      drainMs: values.SLIPWAY_DRAIN_TIMEOUT,
    },
    webhooks: { allowPrivate: values.SLIPWAY_WEBHOOK_ALLOW_PRIVATE },
    steps: {
      allowUnisolated: values.SLIPWAY_ALLOW_UNISOLATED,
      outputLimitBytes: values.SLIPWAY_STEP_OUTPUT_LIMIT,
      memoryLimitBytes: values.SLIPWAY_STEP_MEMORY_LIMIT,
      pidsLimit: values.SLIPWAY_STEP_PIDS_LIMIT,
      cpuLimit: values.SLIPWAY_STEP_CPU_LIMIT,
    },
    artifacts: {
      limitBytes: values.SLIPWAY_ARTIFACT_LIMIT,
      signingKeyPath: values.COSIGN_KEY,
      signingKeyPassword: values.COSIGN_PASSWORD,
    },
    tracing: toTracing(values),
    logLevel: values.DEBUG ? 'debug' : values.SLIPWAY_LOG_LEVEL,
  }
}
