import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CreateDeploymentResponse } from '@slipway/contract/deployments'
import { readEnvironments } from '../../packages/server/src/config/environments.ts'
import {
  createDeployment,
  createGitOpsRepository,
  createRemoteStore,
  type DeploymentsDeps,
  lockAcrossServers,
} from '../../packages/server/src/deployments/index.ts'
import { openEnvironments } from '../../packages/server/src/environments/index.ts'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { type BareRepository, createBareRepository } from './gitops-repository.ts'
import { quietLog } from './quiet-log.ts'
import { numberedReleases } from './numbered-releases.ts'

/** The room of deployments on a database of its own, with a GitOps repository elsewhere. */
export interface DeploymentRoom {
  readonly database: TestDatabase
  readonly remote: BareRepository
  readonly deps: DeploymentsDeps
  /** As another server on the same database has it. */
  another(options?: RoomOptions): Promise<DeploymentsDeps>
  /** Deploys a new release. */
  deploy(options?: DeployOptions): Promise<CreateDeploymentResponse>
  /** Deploys to staging what there is already. */
  redeploy(releaseId: string): Promise<CreateDeploymentResponse>
  rows(): Promise<{ id: string; status: string; ordinal: number | null; sha: string | null }[]>
  close(): Promise<void>
}

interface RoomOptions {
  deadlineMs?: number
  commitsPerTidying?: number
}

interface DeployOptions {
  project?: string
  resources?: object[]
  /** Default: staging. */
  environment?: string
  name?: string
  deps?: DeploymentsDeps
}

export async function createDeploymentRoom(options: RoomOptions = {}): Promise<DeploymentRoom> {
  const database = await createTestDatabase()
  const remote = await createBareRepository()
  const directory = await mkdtemp(join(tmpdir(), 'slipway-room-'))
  const open: DeploymentsDeps[] = []

  async function another({
    deadlineMs = 15_000,
    commitsPerTidying = 100,
  }: RoomOptions = {}): Promise<DeploymentsDeps> {
    const holder = randomUUID()
    await database.pool.query(
      `insert into workers (id, name, home, types, capacity) values ($1, 'x', 'home', '{}', 1)`,
      [holder],
    )
    const store = createRemoteStore({
      directory: join(directory, `clone-${open.length}.git`),
      branch: 'main',
      url: remote.url,
      access: async () => ({
        url: remote.url,
        protocols: 'file',
        env: {},
        close: async () => undefined,
      }),
    })
    const gitops = createGitOpsRepository(store, {
      lock: lockAcrossServers(database.db),
      log: quietLog,
      deadlineMs,
      commitsPerTidying,
    })
    await gitops.open()
    const deps: DeploymentsDeps = {
      db: database.db,
      wakeEvents: () => {},
      wakeJobs: () => {},
      log: quietLog,
      gitops,
      environments: openEnvironments(readEnvironments(undefined, () => {})),
      holder,
      inHand: new Set(),
      reconcilerName: 'git',
      wakeDuties: () => {},
    }
    open.push(deps)
    return deps
  }

  const first = await another(options)
  const releases = numberedReleases(database)
  return {
    database,
    remote,
    deps: first,
    another,
    async deploy({ project = 'api', resources, environment = 'staging', name, deps = first } = {}) {
      const over = { project, ...(resources === undefined ? {} : { resources }) }
      const release = await releases.add(over)
      const request = { release_id: release.id, environment }
      return createDeployment(deps, { principal: somebody(name), request })
    },
    redeploy: (release_id) =>
      createDeployment(first, {
        principal: somebody(),
        request: { release_id, environment: 'staging' },
      }),
    async rows() {
      const { rows } = await database.pool.query<{
        id: string
        status: string
        ordinal: number | null
        sha: string | null
      }>('select id, status, ordinal, gitops_commit_sha as sha from deployments order by id')
      return rows
    },
    async close() {
      for (const { gitops } of open) await gitops.close()
      await database.close()
      await remote.remove()
      await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

function somebody(name = 'alice@company.com'): Principal {
  return { id: name, name, roles: ['developer'], repositories: null }
}
