import { availableParallelism } from 'node:os'
import { clusterSettings } from './cluster-settings.ts'
import { dockerSettings } from './docker-settings.ts'
import { executorSettings } from './executor-settings.ts'
import { orchestratorSettings } from './orchestrator-settings.ts'
import {
  adminToken,
  anyText,
  boolean,
  bytes,
  databaseUrl,
  directory,
  duration,
  gitBaseUrl,
  host,
  integer,
  logLevel,
  masterKey,
  masterKeys,
  networksAndHosts,
  ociRegistry,
  port,
  ports,
  publicUrl,
  rateWindow,
  repositoryUrl,
  serverHosts,
  trustProxy,
} from './parse.ts'
import {
  appId,
  appPrivateKey,
  commandLine,
  headerSecret,
  mcpUrl,
  repositoryNames,
  repositoryPatterns,
} from './parse-github.ts'
import { applicationTemplate, branchName, reconcilerName } from './parse-gitops.ts'
import { natsSettings } from './nats-settings.ts'
import { internalUrl } from './internal-url.ts'
import { s3Settings } from './s3-settings.ts'
import { absent, present, type Setting, type ValuesOf } from './setting.ts'
import { signInSettings } from './sign-in-settings.ts'
import { workerSettings } from './worker-settings.ts'
import { tracingSettings } from './tracing.ts'

/** Every setting that the server reads from its environment, and nothing else is read. */
export const settings = {
  PORT: present({
    description: 'TCP port to listen on; 0 lets the system choose.',
    default: '3000',
    parse: port,
  }),
  HOST: present({
    description: 'Address to listen on. `0.0.0.0` and `::` make the server reachable from outside.',
    default: '127.0.0.1',
    parse: host,
  }),
  SLIPWAY_PUBLIC_URL: absent({
    description: 'Address that clients use, for links in answers.',
    default: null,
    defaultNote: 'the address that the request was sent to',
    parse: publicUrl,
  }),
  SLIPWAY_INTERNAL_URL: absent({
    description:
      'Address at which other servers of the same database reach this one, for logs that are being written. It need not be open to anybody else.',
    default: null,
    defaultNote:
      '`http://`, `HOST` and `PORT`; with the machine’s name where `HOST` is every address',
    parse: internalUrl,
  }),
  SLIPWAY_TRUST_PROXY: present({
    description:
      'Whose `X-Forwarded-*` headers are believed: `false`, `true` (anybody’s), or addresses, networks and the groups `loopback`, `linklocal`, `uniquelocal`, separated by commas.',
    default: 'false',
    parse: trustProxy,
  }),
  SLIPWAY_COMPAT_PORTS: present({
    description:
      'Further ports for the same application, separated by commas; empty: none. A port in use is a warning.',
    default: '3001,3070',
    emptyIsValue: true,
    parse: ports,
  }),
  SLIPWAY_DATA_DIR: present({
    description: 'Directory of everything the server keeps on this machine.',
    default: '.slipway',
    parse: directory,
  }),
  DATABASE_URL: absent({
    description: 'PostgreSQL to use, as `postgres://user:password@host:port/database`.',
    default: null,
    defaultNote: 'a PostgreSQL of its own in the data directory',
    secret: true,
    parse: databaseUrl,
  }),
  SLIPWAY_ADMIN_TOKEN: absent({
    description: 'Bearer token of the administrator, at least 20 printable ASCII characters.',
    default: null,
    defaultNote: 'made at the first start, kept in `admin-token` in the data directory',
    secret: true,
    parse: adminToken,
  }),
  ...signInSettings,
  SLIPWAY_ALLOW_UNISOLATED: present({
    description:
      'Whether the `process` executor may run steps where it cannot isolate them from the machine.',
    default: 'false',
    parse: boolean,
  }),
  SLIPWAY_MASTER_KEY: absent({
    description:
      'Key of everything that is signed or encrypted: 32 bytes, as 64 hexadecimal digits or base64.',
    default: null,
    defaultNote: 'made at the first start, kept in the data directory',
    secret: true,
    parse: masterKey,
  }),
  SLIPWAY_PREVIOUS_MASTER_KEYS: absent({
    description:
      'Master keys of before, separated by commas: what is encrypted under them can be read, until `slipway-server rotate-keys` has encrypted it anew.',
    default: null,
    secret: true,
    parse: masterKeys,
  }),
  GIT_BASE_URL: present({
    description:
      'Where repositories are fetched from: `<GIT_BASE_URL>/<owner>/<name>.git`, by https, http, ssh or (if allowed) file.',
    default: 'https://github.com',
    parse: gitBaseUrl,
  }),
  GIT_CREDENTIAL: absent({
    description:
      'Name of the stored credential for repositories that have none of their own and are where `GIT_BASE_URL` is.',
    default: null,
    parse: anyText,
  }),
  OFFICIAL_REPOSITORY_URL: present({
    description:
      'Repository whose branch `main` is built where a build names none, by https, http, ssh or (if allowed) file.',
    default: 'https://github.com/open-webui/open-webui.git',
    parse: repositoryUrl,
  }),
  OCI_REGISTRY: absent({
    description:
      'Registry that releases and tracking artifacts go to, as `host[:port][/prefix]`. By HTTPS, except on this machine.',
    default: null,
    defaultNote: 'the embedded store, served at `/v2/`',
    parse: ociRegistry,
  }),
  OCI_CREDENTIAL: absent({
    description: 'Name of the stored credential for `OCI_REGISTRY`.',
    default: null,
    defaultNote: 'none is sent',
    parse: anyText,
  }),
  OCI_PLAIN_HTTP: present({
    description:
      'Registries beyond this machine that are spoken to without TLS, as `host[:port]`, separated by commas. Whoever is on the way can read and change what goes there.',
    default: '',
    parse: serverHosts,
  }),
  SLIPWAY_ALLOW_FILE_REPOSITORIES: present({
    description:
      'Whether `GIT_BASE_URL` and registered repositories may have `file:` URLs. Whoever may start runs can then read every repository below `GIT_BASE_URL`, and whoever may register repositories every one on this machine.',
    default: 'false',
    parse: boolean,
  }),
  GITOPS_REPOSITORY_URL: absent({
    description:
      'Git repository that deployments are committed to, by https, http, ssh or (if allowed) file.',
    default: null,
    defaultNote: 'one in the data directory, to be read at `/git/gitops.git`',
    parse: gitBaseUrl,
  }),
  GITOPS_BRANCH: present({
    description: 'Branch of the GitOps repository.',
    default: 'main',
    parse: branchName,
  }),
  GITOPS_CREDENTIAL: absent({
    description: 'Name of the stored credential for `GITOPS_REPOSITORY_URL`.',
    default: null,
    defaultNote: 'none',
    parse: anyText,
  }),
  GITOPS_RECONCILER: present({
    description:
      'What says that a deployment is active: `git` (its commit is on the branch), `argocd` (its application is synced to it and healthy), or `callback` (`PUT /v1/deployments/{id}/status`).',
    default: 'git',
    parse: reconcilerName,
  }),
  GITOPS_RECONCILE_TIMEOUT: present({
    description:
      'How long a deployment may take to become active before it is said to have failed.',
    default: '10m',
    parse: duration,
  }),
  ARGOCD_URL: absent({
    description: 'Address of the Argo CD server, for the reconciler `argocd`.',
    default: null,
    defaultNote: 'none',
    parse: publicUrl,
  }),
  ARGOCD_TOKEN: absent({
    description: 'Token of an Argo CD account that may get the applications.',
    default: null,
    defaultNote: 'none',
    secret: true,
    parse: anyText,
  }),
  ARGOCD_APP: present({
    description:
      'Name of the application of a deployment, with `{environment}`, `{owner}`, `{repo}` and `{project}` in it.',
    default: '{environment}-{project}',
    parse: applicationTemplate,
  }),
  GITHUB_TOKEN: absent({
    description: 'Token that GitHub is asked and told things with; or a GitHub App, see below.',
    default: null,
    defaultNote: 'GitHub is told nothing',
    secret: true,
    parse: headerSecret,
  }),
  GITHUB_APP_ID: absent({
    description: 'Id of the GitHub App that is used instead of a token.',
    default: null,
    defaultNote: 'none',
    parse: appId,
  }),
  GITHUB_APP_PRIVATE_KEY: absent({
    description: 'Private key of the GitHub App: as PEM, or the path of its file.',
    default: null,
    defaultNote: 'none',
    secret: true,
    parse: appPrivateKey,
  }),
  GITHUB_API_URL: present({
    description: 'Where GitHub’s API is; of GitHub Enterprise Server `https://<host>/api/v3`.',
    default: 'https://api.github.com',
    parse: publicUrl,
  }),
  GITHUB_MCP_URL: absent({
    description:
      'Address of GitHub’s MCP server (streamable HTTP), which is asked about workflows before the API.',
    default: null,
    defaultNote: 'the API is asked',
    parse: mcpUrl,
  }),
  GITHUB_MCP_COMMAND: absent({
    description:
      'Command that runs GitHub’s MCP server on its standard streams, instead of an address. No shell reads it; quotes and backslashes work.',
    default: null,
    defaultNote: 'the API is asked',
    parse: commandLine,
  }),
  GITHUB_MCP_TOKEN: absent({
    description:
      'Token for GitHub’s MCP server: the header of its requests, or `GITHUB_PERSONAL_ACCESS_TOKEN` of its process.',
    default: null,
    defaultNote: '`GITHUB_TOKEN`',
    secret: true,
    parse: headerSecret,
  }),
  GITHUB_WEBHOOK_SECRET: absent({
    description:
      'Secret that GitHub signs the deliveries of its webhook with: whoever knows it can start runs.',
    default: null,
    defaultNote: 'deliveries are refused',
    secret: true,
    parse: anyText,
  }),
  GITHUB_WEBHOOK_REPOSITORIES: present({
    description:
      'Repositories whose deliveries start something, as patterns such as `acme/*`, separated by commas.',
    default: '*',
    parse: repositoryPatterns,
  }),
  MONITORED_REPOSITORIES: absent({
    description:
      'Repositories whose GitHub Actions are watched, as owner/name, separated by commas; empty: none.',
    default: null,
    defaultNote:
      'every repository with a workflow that the token sees, or that the webhook tells of',
    emptyIsValue: true,
    parse: repositoryNames,
  }),
  SLIPWAY_MONITOR_INTERVAL: present({
    description:
      'Time between two questions to GitHub about the workflow runs of one repository: what is shown is at most this old.',
    default: '1m',
    parse: duration,
  }),
  SLIPWAY_ANONYMOUS_STATUS: present({
    description:
      'Whether everybody may read what `/api/v2/pipelines` shows of the watched repositories without a token, private ones included. Starting a workflow needs one all the same.',
    default: 'false',
    parse: boolean,
  }),
  SLIPWAY_MAX_SOCKETS: present({
    description: 'WebSocket clients that the server takes at once; one more is told to try later.',
    default: '2000',
    parse: integer(1, 100_000),
  }),
  SLIPWAY_WEBHOOK_ALLOW_PRIVATE: present({
    description:
      'Where outgoing webhooks may go besides the public internet: networks such as `10.0.0.0/8`, addresses and host names, separated by commas. Whoever may manage webhooks can then send requests there in the server’s name.',
    default: '',
    defaultNote: 'nowhere',
    emptyIsValue: true,
    parse: networksAndHosts,
  }),
  ...natsSettings,
  ...s3Settings,
  ...executorSettings,
  ...dockerSettings,
  ...orchestratorSettings,
  ...clusterSettings,
  ...workerSettings,
  ...tracingSettings,
  SLIPWAY_CONFIG: absent({
    description: 'Path of a YAML file with the structured settings below.',
    default: null,
    parse: anyText,
  }),
  SLIPWAY_WORKER_CAPACITY: present({
    description: 'Tasks that the worker inside the server runs at once.',
    default: String(Math.max(2, availableParallelism())),
    defaultNote: 'the number of CPU cores, at least 2',
    parse: integer(1, 1024),
  }),
  SLIPWAY_BUILD_CAPACITY: present({
    description:
      'Builds that the worker inside the server does at once, besides its tasks: neither waits for the other.',
    default: '2',
    parse: integer(1, 64),
  }),
  SLIPWAY_ARTIFACT_LIMIT: present({
    description:
      'Size of one artifact that is collected, e.g. `2GiB`; what is larger fails its task.',
    default: '2GiB',
    parse: bytes,
  }),
  COSIGN_KEY: absent({
    description:
      'Path of the private key that signs artifacts and releases: PEM of an elliptic curve key on P-256, encrypted or not, as `cosign generate-key-pair` or OpenSSL writes it.',
    default: null,
    defaultNote: 'nothing is signed',
    parse: anyText,
  }),
  COSIGN_PASSWORD: absent({
    description: 'Password of an encrypted `COSIGN_KEY`.',
    default: null,
    secret: true,
    parse: anyText,
  }),
  API_RATE_LIMIT: present({
    description:
      'Requests to `/api/jobs` and `/api/runners` that one address may make within `API_RATE_WINDOW`. Service accounts may make any number.',
    default: '100',
    parse: integer(1, 1_000_000_000),
  }),
  API_RATE_WINDOW: present({
    description: 'How long requests count against `API_RATE_LIMIT`, at most `1d`.',
    default: '15m',
    parse: rateWindow,
  }),
  SLIPWAY_LOG_LEVEL: present({
    description: 'The least that is logged: `debug`, `info`, `warn` or `error`.',
    default: 'info',
    parse: logLevel,
  }),
  DEBUG: present({
    description: 'Whether to write debug logs, whatever `SLIPWAY_LOG_LEVEL` says.',
    default: 'false',
    parse: boolean,
  }),
} satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof settings

/** What each setting comes to. */
export type SettingValues = ValuesOf<typeof settings>
