import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ArtifactJob } from '@slipway/contract/jobs'
import type { ArtifactConfig } from '@slipway/forge'
import { pino } from 'pino'
import { createProcessExecutor } from '../../packages/server/src/adapters/executor/process/create-process-executor.ts'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createHomePublisher } from '../../packages/server/src/adapters/publisher/oci/create-oci-publisher.ts'
import { createEmbeddedRegistry } from '../../packages/server/src/adapters/registry/embedded/create-embedded-registry.ts'
import { createMirrors } from '../../packages/server/src/git/index.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'
import type { JobOutcome } from '../../packages/server/src/ports/job-bus.ts'
import type { Publishers } from '../../packages/server/src/ports/publisher.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import type { ProducedArtifact, WorkReport } from '../../packages/server/src/runs/index.ts'
import type { ArtifactPlaces } from '../../packages/server/src/worker/artifact/deps.ts'
import { collectArtifacts } from '../../packages/server/src/worker/collect-artifacts.ts'
import type { ControlPlane } from '../../packages/server/src/worker/control-plane.ts'
import type { WorkerDeps } from '../../packages/server/src/worker/deps.ts'
import { runArtifact } from '../../packages/server/src/worker/run-artifact.ts'
import { createTestDatabase } from './database.ts'
import { createRepository } from './git-repository.ts'

/** A worker for artifacts with a real executor, store and registry, and a control plane that only listens. */
export interface ArtifactWorker {
  /** What the worker is made of; a test may replace parts before an attempt. */
  deps: WorkerDeps
  /** Where its artifacts go; a test may replace parts before an attempt. */
  places: ArtifactPlaces
  home: Registry
  /** What it has told the control plane. */
  completed: ProducedArtifact[]
  reports: WorkReport[]
  /** Keeps files of `folder` for the artifact, as the task before would have. */
  collect(folder: string, path: string): Promise<void>
  /** One attempt; `number` is 1 for the first. */
  attempt(number?: number, signal?: AbortSignal): Promise<JobOutcome>
  log(): Promise<string>
  /** A blob of the artifact's repository, as text. */
  blob(digest: string): Promise<string>
  /** The manifest of a tag or digest of the artifact's repository, parsed. */
  manifest(reference: string): Promise<TestManifest>
  close(): Promise<void>
}

export interface TestManifest {
  digest: string
  artifactType: string
  subject?: { digest: string; mediaType: string; size: number }
  layers: { mediaType: string; digest: string; annotations?: Record<string, string> }[]
}

const log = pino({ level: 'silent' })
const ids = {
  run: '0198c5a2-8d4e-7c3a-9f10-000000000001',
  task: '0198c5a2-8d4e-7c3a-9f10-000000000002',
  step: '0198c5a2-8d4e-7c3a-9f10-00000000000',
}
const logKey = `pipeline-runs/${ids.run}/logs/artifacts/api/tool.log`
const repository = 'acme/shop'
export const ociRepository = 'acme/shop/api/tool'

export async function startArtifactWorker(
  artifact: Partial<ArtifactConfig> = {},
  publishers: Publishers = {},
): Promise<ArtifactWorker> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-worker-'))
  const inRoot = (name: string) => join(root, name)
  const remotes = inRoot('remotes')
  await mkdir(remotes)
  const remote = await createRepository(remotes, repository)
  const commit = await remote.commit({ 'api/README.md': 'An API\n' })
  const database = await createTestDatabase()
  const objects = createFilesystemObjectStore({ root: inRoot('objects'), log })
  const logs = createFileLogStore({ directory: inRoot('logs'), objects, log })
  const home = createEmbeddedRegistry({
    db: database.db,
    objects,
    base: () => 'slipway.example.test',
  })
  const executor = createProcessExecutor({
    stateDir: inRoot('executor'),
    hide: [],
    allowUnisolated: true,
    log,
  })
  await executor.open()
  const completed: ProducedArtifact[] = []
  const reports: WorkReport[] = []
  const config: ArtifactConfig = {
    name: 'tool',
    type: 'archive',
    producer: { command: null, path: 'dist' },
    publishers: [],
    ...artifact,
  }
  const unasked = () => Promise.reject(new Error('never asked'))
  let number = 1
  const control: ControlPlane = {
    completeDiscovery: unasked,
    createRelease: unasked,
    deploy: unasked,
    readSecrets: unasked,
    locateRepository: async () => ({
      ok: true,
      remote: { url: `file://${join(remotes, repository)}.git`, hostKeys: null },
    }),
    beginAttempt: async () => ({
      number,
      steps: [
        {
          id: `${ids.step}${number}`,
          logKey,
          step: { name: 'tool', needs: [], timeoutMs: 60_000, artifact: config, publishers: [] },
        },
      ] as never,
    }),
    reportWork: async ({ report }) => void reports.push(report),
    completeArtifact: async ({ artifact: made }) => void completed.push(made),
  }
  const registries = { home }
  const places: ArtifactPlaces = {
    registries,
    homePublisher: createHomePublisher({ registries }),
    publishers,
    signingKey: null,
  }
  const deps: WorkerDeps = {
    control,
    executor,
    logs,
    log,
    mirrors: createMirrors({ directory: inRoot('mirrors'), accessDirectory: inRoot('access') }),
    workerId: 'worker',
    workDirectory: inRoot('work'),
    cacheDirectory: inRoot('cache'),
    secretsDirectory: inRoot('secrets'),
    stepLimits: { outputBytes: 1_000_000, memoryBytes: null, pids: 4096, cpus: null },
    objects,
    artifactLimitBytes: 10_000_000,
    openPlaces: () => places,
    serverPublishers: Object.keys(publishers).map((type) => ({
      name: type,
      type,
      credentials: null,
      with: {},
      repositories: null,
    })),
    builder: { id: 'https://slipway.example.test', version: '1.2.3' },
    findSyft: async () => null,
  }
  await mkdir(deps.workDirectory)
  const payload: ArtifactJob = {
    run_id: ids.run,
    task_id: ids.task,
    repository,
    branch: 'main',
    commit_sha: commit,
    trigger_type: 'push',
    phase: 'artifacts',
    project: 'api',
    project_path: 'api',
    timeout_ms: 60_000,
    artifact: 'tool',
  }
  const { signal } = new AbortController()
  const worker: ArtifactWorker = {
    deps,
    places,
    home,
    completed,
    reports,
    collect: (folder, path) =>
      collectArtifacts(
        deps,
        {
          workspace: folder,
          job: { ...payload, project_path: '.', collect: [{ artifact: 'tool', path }] },
        },
        signal,
      ),
    attempt(nth = 1, stop = signal) {
      number = nth
      const claimed = {
        id: ids.task,
        type: 'artifact',
        subject: '',
        runId: ids.run,
        payload,
        attempt: nth,
        deadlineAt: new Date(Date.now() + 60_000),
      }
      return runArtifact(worker.deps, claimed, stop)
    },
    async log() {
      const chunks: Buffer[] = []
      for await (const { data } of logs.read(logKey, {}, signal)) chunks.push(data)
      return Buffer.concat(chunks).toString('utf8')
    },
    async blob(digest) {
      const found = await home.getBlob(ociRepository, digest, signal)
      return found === null ? '' : text(found.body)
    },
    async manifest(reference) {
      const found = await home.getManifest(ociRepository, reference, signal)
      if (found === null) throw new Error(`there is no ${reference}`)
      return { ...JSON.parse(found.content.toString('utf8')), digest: found.digest }
    },
    async close() {
      await executor.close()
      await logs.close()
      await objects.close()
      await database.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return worker
}
