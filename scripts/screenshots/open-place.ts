import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../../test/support/github/stand-in.ts'
import { quietLog } from '../../test/support/quiet-log.ts'
import { startTestServer, type TestServer } from '../../test/support/server.ts'
import { startEngine } from './start-engine.ts'
import { tellGitHub, watchedRepositories } from './tell-github.ts'

/** A server with a database beside it whose clock can be moved, and a GitHub that answers it. */
export interface Place {
  readonly server: TestServer
  readonly github: GitHubStandIn
  /** Of a superuser of its database. */
  readonly databaseUrl: string
  /** Ends everything, and removes it. */
  close(): Promise<void>
}

const githubToken = 'ghp_for_pictures_only'

/** All but containers: who makes pictures needs no engine. */
const workerTypes = 'discovery,task,artifact,release,deployment,build'

const classes = [
  {
    name: 'linux-small',
    labels: ['linux', 'x64'],
    image: 'ghcr.io/actions/actions-runner:2.328.0',
    limits: { memory: '4GiB', cpus: 2, timeout: '1h' },
    maxRunners: 8,
    maxPerRepository: 4,
    warm: 2,
  },
  {
    name: 'linux-large',
    labels: ['linux', 'x64', 'large'],
    image: 'ghcr.io/actions/actions-runner:2.328.0',
    limits: { memory: '16GiB', cpus: 8, timeout: '2h' },
    maxRunners: 2,
    repositories: ['kestrel/storefront', 'kestrel/mobile'],
  },
  {
    name: 'report',
    labels: ['report'],
    image: 'alpine:3.22',
    command: ['/bin/sh', '-c', 'wget -qO- "$REPORT_URL"'],
    limits: { memory: '256MiB', cpus: 0.5, timeout: '5m' },
    network: 'none',
    maxRunners: 2,
  },
]

/** Starts it all, or throws and leaves nothing. */
export async function openPlace(): Promise<Place> {
  const endings: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of endings.splice(0).toReversed()) {
      await end().catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
      })
    }
  }
  try {
    const root = await mkdtemp(join(tmpdir(), 'slipway-pictures-'))
    endings.push(() => rm(root, { recursive: true, force: true, maxRetries: 5 }))
    const postgres = await startEmbeddedPostgres({ dataDir: join(root, 'db'), log: quietLog })
    endings.push(() => postgres.stop())
    const github = await startGitHubStandIn({ token: githubToken })
    endings.push(() => github.close())
    tellGitHub(github)
    const socket = join(root, 'engine.sock')
    const engine = await startEngine(socket)
    endings.push(() => engine.close())
    const config = join(root, 'slipway.yaml')
    // JSON is YAML.
    const environments = {
      production: { approval: { approvals: 2, roles: ['approver', 'operator', 'admin'] } },
    }
    await writeFile(config, JSON.stringify({ environments, runners: { classes } }))
    const server = await startTestServer({
      DATABASE_URL: postgres.url,
      SLIPWAY_CONFIG: config,
      SLIPWAY_WORKER_TYPES: workerTypes,
      // One more than the run that goes on has steps at once: something else can happen meanwhile.
      SLIPWAY_WORKER_CAPACITY: '4',
      SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1,::1',
      DOCKER_HOST: `unix://${socket}`,
      GITHUB_TOKEN: githubToken,
      GITHUB_API_URL: github.url,
      MONITORED_REPOSITORIES: watchedRepositories.join(','),
      API_RATE_LIMIT: '100000',
    })
    endings.push(() => server.close())
    return { server, github, databaseUrl: postgres.adminUrl, close }
  } catch (error) {
    await close()
    throw error
  }
}
