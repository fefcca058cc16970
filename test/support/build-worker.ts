import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Build, CreateBuildRequest } from '@slipway/contract/builds'
import { pino } from 'pino'
import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createMirrors, type GitRemote } from '../../packages/server/src/git/index.ts'
import { claimJobs, registerWorker } from '../../packages/server/src/jobs/index.ts'
import type { BuildWorkDeps } from '../../packages/server/src/worker/build/deps.ts'
import { hasGitLfs } from '../../packages/server/src/worker/build/clone/fetch-large-files.ts'
import { runBuild } from '../../packages/server/src/worker/run-build.ts'
import { type BuildsApp, createBuildsApp } from './builds-app.ts'
import { createRepository, type TestRepository } from './git-repository.ts'

/** The room of builds with a worker that really does them; of an image engine there is only the address. */
export interface BuildWorker {
  app: BuildsApp
  /** What the worker is made of; a test may replace parts before a build. */
  deps: BuildWorkDeps
  /** The repository that builds are made of. */
  repository: TestRepository
  /** What else the worker is told of where it is; its URL is that of `repository` unless said here. */
  remote: Partial<GitRemote>
  /** Creates and executes a build; `attempt` does it. */
  create(body?: Partial<CreateBuildRequest>): Promise<number>
  /** One attempt at the build that waits. */
  attempt(signal?: AbortSignal): Promise<void>
  /** All of that, and the build as it is then. */
  build(body?: Partial<CreateBuildRequest>, signal?: AbortSignal): Promise<Build>
  /** Lines of a build's log without their times, from the one behind its creation on. */
  log(id: number): Promise<string[]>
  /** Bytes of the ZIP of a build. */
  zip(build: Build): Promise<Buffer>
  /** Names of all files in the store, half-written ones too; logs are elsewhere. */
  stored(): Promise<string[]>
  /** What is in the folder of workspaces. */
  workspaces(): Promise<string[]>
  close(): Promise<void>
}

export async function createBuildWorker(): Promise<BuildWorker> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-build-worker-'))
  const objects = createFilesystemObjectStore({
    root: join(root, 'objects'),
    log: pino({ level: 'silent' }),
  })
  const app = await createBuildsApp({ objects })
  const repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  const workerId = randomUUID()
  await registerWorker(
    { db: app.builds.db },
    { id: workerId, name: 'w', home: root, types: ['build'], capacity: 9 },
  )
  const { control, builds } = app
  const accessDirectory = join(root, 'access')
  const workDirectory = join(root, 'work')
  const worker: BuildWorker = {
    app,
    repository,
    remote: {},
    deps: {
      builds: {
        ...control,
        async beginBuild(input) {
          const attempt = await control.beginBuild(input)
          const url = `file://${repository.directory}`
          const remote = { url, ...worker.remote }
          return { ...attempt, repository: { ...attempt.repository, remote, ref: null } }
        },
      },
      objects,
      logs: builds.logs,
      log: pino({ level: 'silent' }),
      workerId,
      workDirectory,
      accessDirectory,
      mirrors: createMirrors({ directory: join(root, 'mirrors'), accessDirectory }),
      gitLfs: hasGitLfs,
      timeouts: builds.limits,
      images: createDockerImageEngine({
        host: { kind: 'unix', socketPath: join(root, 'no-docker.sock') },
        tls: null,
      }),
      buildNetwork: 'none',
      openPushed: () => ({ getManifest: async () => null }),
    },
    async create(body) {
      const { id } = await app.create(body)
      await app.execute(id)
      return id
    },
    async attempt(signal = AbortSignal.timeout(60_000)) {
      const [job] = await claimJobs(app.builds, { workerId, types: ['build'], limit: 1 })
      if (job === undefined) throw new Error('no build waits')
      await runBuild(worker.deps, job, signal)
    },
    async build(body, signal) {
      const id = await worker.create(body)
      await worker.attempt(signal)
      return app.show(id)
    },
    async log(id) {
      const answer = await app.request('GET', `/api/pipelines/runs/${id}/logs`)
      const lines = answer.body.split('\n').slice(1, -1)
      return lines.map((line) => line.replace(/^\[[^\]]{24}\] /, ''))
    },
    async zip(build) {
      const key = build.build_outputs[0]?.file_path ?? ''
      const stream = await objects.get(key)
      return stream === null ? Buffer.alloc(0) : buffer(stream)
    },
    async stored() {
      const within = { recursive: true, withFileTypes: true } as const
      const found = await readdir(join(root, 'objects'), within).catch(() => [])
      return found.filter((entry) => entry.isFile()).map(({ name }) => name)
    },
    workspaces: () => readdir(workDirectory).catch(() => []),
    async close() {
      await app.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return worker
}
