import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createEmbeddedRegistry } from '../../packages/server/src/adapters/registry/embedded/create-embedded-registry.ts'
import { createMirrors, createTurns, readForge } from '../../packages/server/src/git/index.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import type { ReleasesDeps } from '../../packages/server/src/releases/index.ts'
import { createRepository, type TestRepository } from './git-repository.ts'
import { createTestApp, type TestApp } from './http.ts'

/** A run that has been discovered, as the engine leaves it. */
export interface GivenRun {
  repository: string
  commit: string
  project: string
  branch?: string
  status?: 'pending' | 'running' | 'success' | 'failed' | 'cancelled'
  triggeredBy?: string
  releaseTrigger?: 'branch_push' | 'tag' | null
  /** What `.forge/project.json` would say. */
  config?: { artifacts?: object[]; on?: object[]; resources?: object[] }
  tagging?: 'monorepo' | 'tag-all'
  environments?: object[]
  /** Phases, by name: their status. */
  phases?: Record<string, string>
}

/** The application with releases, an OCI store and Git repositories, and no worker. */
export interface ReleasesApp extends TestApp {
  readonly registry: Registry
  /** What the room works with. */
  readonly deps: ReleasesDeps
  createRepository(name: string): Promise<TestRepository>
  /** Stores a run and answers its id. */
  addRun(run: GivenRun): Promise<string>
  /** Stores what a run's artifact task made. */
  addArtifact(
    runId: string,
    artifact: { project: string; name: string; type: string; uri: string; digest: string },
  ): Promise<void>
  /** Everything that was told, oldest first. */
  events(): Promise<{ event_type: string; repository: string; data: unknown }[]>
}

export async function createReleasesApp(): Promise<ReleasesApp> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-releases-'))
  const repositories = join(root, 'repositories')
  const objects = createFilesystemObjectStore({
    root: join(root, 'objects'),
    log: pino({ enabled: false }),
  })
  const mirrors = createMirrors({
    directory: join(root, 'mirrors'),
    accessDirectory: join(root, 'access'),
  })
  let deps: ReleasesDeps | undefined
  const test = await createTestApp({}, (db) => {
    deps = {
      db,
      wakeEvents: () => {},
      wakeJobs: () => {},
      registry: createEmbeddedRegistry({ db, objects, base: () => 'slipway.test:3000' }),
      sign: null,
      turns: createTurns(),
      readForge: ({ repository, commit }, signal) =>
        readForge(mirrors, { url: `file://${join(repositories, repository)}.git`, commit }, signal),
    }
    return { releases: deps }
  })
  if (deps === undefined) throw new Error('the application was made without releases')
  const { pool } = test.database
  let ordinals = 0
  return {
    ...test,
    deps,
    registry: deps.registry,
    createRepository: (name) => createRepository(repositories, name),

    async addRun(run) {
      const id = randomUUID()
      const ordinal = ++ordinals
      const { branch = 'main', status = 'success', triggeredBy = 'alice@company.com' } = run
      await pool.query(
        `insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                           repository_ordinal, branch_ordinal)
         values ($1, $2, $3, $4, $5, 'push', $6, $7, $7)`,
        [id, run.repository, branch, run.commit, status, triggeredBy, ordinal],
      )
      const { tagging = 'monorepo', environments = [], config = {} } = run
      await pool.query('insert into run_configurations (run_id, repository) values ($1, $2)', [
        id,
        JSON.stringify({ tagging: { strategy: tagging }, environments }),
      ])
      const { artifacts = [], on = [{ type: 'manual' }], resources = [] } = config
      const project = {
        name: run.project,
        path: '.',
        file: '.forge/project.json',
        artifacts,
        release: { on },
        deploy: { resources },
      }
      await pool.query(
        `insert into run_projects (run_id, position, name, path, config, release_trigger)
         values ($1, 0, $2, '.', $3, $4)`,
        [id, run.project, JSON.stringify(project), run.releaseTrigger ?? null],
      )
      for (const [index, [name, phase]] of Object.entries(run.phases ?? {}).entries()) {
        await pool.query(
          `insert into phases (id, run_id, position, name, group_number, timeout_ms, status)
           values ($1, $2, $3, $4, 1, 1000, $5)`,
          [randomUUID(), id, index, name, phase],
        )
      }
      return id
    },

    async addArtifact(runId, { project, name, type, uri, digest }) {
      const phase = randomUUID()
      const task = randomUUID()
      await pool.query(
        `insert into phases (id, run_id, position, name, group_number, timeout_ms, status)
         values ($1, $2, 9, 'artifacts', 9, 1000, 'success')`,
        [phase, runId],
      )
      await pool.query(
        `insert into tasks (id, run_id, phase_id, position, project_name, project_path, kind)
         values ($1, $2, $3, 0, $4, '.', 'artifact')`,
        [task, runId, phase, project],
      )
      await pool.query(
        `insert into artifacts (id, run_id, task_id, repository, project, name, type, commit_sha,
                                tracking_oci_uri, tracking_digest, primary_published_uri, digest,
                                size_bytes, published)
         select $1, $2, $3, repository, $4, $5, $6, commit_sha, $7, $8, $9, $8, 1, '[]'
         from runs where id = $2`,
        [randomUUID(), runId, task, project, name, type, `tracking/${name}:sha-1`, digest, uri],
      )
    },

    async events() {
      const { rows } = await pool.query<{ event_type: string; repository: string; data: unknown }>(
        'select event_type, repository, data from events order by id',
      )
      return rows
    },

    async close() {
      await test.close()
      await objects.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
