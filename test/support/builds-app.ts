import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Build, BuildStepKey, CreateBuildRequest } from '@slipway/contract/builds'
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import {
  type BuildAttempt,
  type BuildControl,
  buildJobOwners,
  type BuildResult,
  type BuildsDeps,
  createBuildControl,
  type ProducedOutput,
  type StepLimits,
} from '../../packages/server/src/builds/index.ts'
import { createEventFeed, startEventRelay } from '../../packages/server/src/events/index.ts'
import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import {
  claimJobs,
  type JobClaim,
  type LedgerDeps,
  registerWorker,
  releaseJobs,
} from '../../packages/server/src/jobs/index.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import { createTestApp, type TestApp } from './http.ts'
import { quietLog } from './quiet-log.ts'

/** The application with the room of builds, and a worker that does what the test says instead of building. */
export interface BuildsApp extends TestApp {
  readonly builds: BuildsDeps
  readonly control: BuildControl
  readonly ledger: LedgerDeps
  /** Images that were removed, by name or id. */
  readonly removedImages: string[]
  /** Jobs whose holders were told to stop. */
  readonly stopped: string[]
  create(body?: Partial<CreateBuildRequest>, token?: string): Promise<Build>
  show(id: number): Promise<Build>
  /** Hands the build to the workers without waiting. */
  execute(id: number): Promise<void>
  /** Takes the next build that waits for a worker; rejects when there is none for ten seconds. */
  take(): Promise<TakenBuild>
  /** Creates, executes and ends a build that makes this. */
  built(body: Partial<CreateBuildRequest>, make: MakeOutputs): Promise<Build>
  /** A row of the repository `name`, verified. */
  repository(name: string, over?: Record<string, unknown>): Promise<number>
}

type MakeOutputs = (attempt: BuildAttempt) => Promise<ProducedOutput[]> | ProducedOutput[]

/** A build in the hands of the stand-in worker. */
export interface TakenBuild {
  readonly buildId: number
  readonly claim: JobClaim
  begin(): Promise<BuildAttempt>
  report(
    step: BuildStepKey,
    status: 'running' | 'completed' | 'failed',
    progress?: number | null,
  ): Promise<void>
  complete(result: BuildResult): Promise<void>
  /** The worker dies. */
  lose(): Promise<void>
}

/** Milliseconds that each step may take. */
export const stepLimits: StepLimits = {
  clone_repo: 60_000,
  apply_branding: 60_000,
  apply_config: 60_000,
  create_zip: 60_000,
  build_image: 60_000,
  push_registry: 60_000,
}

const log = pino({ level: 'silent' })

export const runsPath = '/api/pipelines/runs'

/** The document's simplest request. */
export const zipRequest = {
  steps_to_execute: ['clone_repo', 'create_zip'],
  output_type: 'zip',
} as const satisfies CreateBuildRequest

export async function createBuildsApp(
  over: Partial<BuildsDeps> = {},
  server: Partial<HttpServerDeps> = {},
): Promise<BuildsApp> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-builds-'))
  const builds = {} as BuildsDeps
  const family = { builds, signal: new AbortController().signal } as HttpServerDeps['builds']
  const test = await createTestApp({ ...server, builds: family }, (db) => {
    const repositories = {
      db,
      vault: openVault([Buffer.alloc(32, 1)]),
      accessDirectory: join(root, 'access'),
      allowFileRepositories: true,
      gitBaseUrl: 'https://github.com',
      defaultCredential: null,
    }
    family.repositories = repositories
    builds.repositories = repositories
    return {}
  })
  const { db, pool } = test.database
  const objects = createFilesystemObjectStore({ root: join(root, 'objects'), log })
  const logs = createFileLogStore({ directory: join(root, 'logs'), objects, log })
  const feed = createEventFeed({ db, log: quietLog })
  const relay = startEventRelay({ pool, log: quietLog, publish: (batch) => feed.publish(batch) })
  const removedImages: string[] = []
  const stopped: string[] = []
  Object.assign(builds, {
    db,
    log: quietLog,
    wakeEvents: () => relay.wake(),
    wakeJobs: () => {},
    stopJobs: (ids: readonly string[]) => void stopped.push(...ids),
    feed,
    logs,
    objects,
    official: { url: 'https://github.com/open-webui/open-webui.git', branch: 'main' },
    limits: stepLimits,
    openRegistryLogin: async () => null,
    images: {
      find: async (image) => ({ id: imageIdOf(image), names: [image], labels: {} }),
      list: async () => [],
      remove: async (image) => removedImages.push(image) > 0,
    },
    ...over,
  } satisfies Omit<BuildsDeps, 'repositories'>)
  const control = createBuildControl(builds)
  const ledger: LedgerDeps = { ...builds, owners: buildJobOwners(), retryDelayMs: () => 0 }

  const workerId = randomUUID()
  await registerWorker(
    { db },
    { id: workerId, name: 'w', home: root, types: ['build'], capacity: 9 },
  )

  const app: BuildsApp = {
    ...test,
    builds,
    control,
    ledger,
    removedImages,
    stopped,
    async create(body = {}, token) {
      const answer = await test.request('POST', runsPath, {
        body: { ...zipRequest, ...body },
        ...(token === undefined ? {} : { token }),
      })
      expect(answer.statusCode, answer.body).toBe(201)
      return answer.json<{ pipeline_run: Build }>().pipeline_run
    },
    async show(id) {
      const answer = await test.request('GET', `${runsPath}/${id}`)
      expect(answer.statusCode, answer.body).toBe(200)
      return answer.json<{ pipeline_run: Build }>().pipeline_run
    },
    async execute(id) {
      const answer = await test.request('POST', `${runsPath}/${id}/execute?wait=false`)
      expect(answer.statusCode, answer.body).toBe(202)
    },
    async take() {
      return vi.waitFor(
        async () => {
          const [job] = await claimJobs({ db }, { workerId, types: ['build'], limit: 1 })
          if (job === undefined) throw new Error('no build waits')
          const { build_id: buildId } = job.payload as { build_id: number }
          return hold(buildId, { id: job.id, attempt: job.attempt, workerId })
        },
        { timeout: 10_000, interval: 10 },
      )
    },
    async built(body, make) {
      const { id } = await app.create(body)
      await app.execute(id)
      const taken = await app.take()
      expect(taken.buildId).toBe(id)
      const outputs = await make(await taken.begin())
      await taken.complete({ status: 'completed', outputs })
      return app.show(id)
    },
    async repository(name, repositoryOver = {}) {
      const { id } = await db
        .insertInto('repositories')
        .values({
          name,
          repository_url: 'git@github.com:user/open-webui.git',
          is_verified: true,
          created_by: 'admin',
          created_at: new Date('2024-01-01T10:00:00Z'),
          updated_at: new Date(),
          ...repositoryOver,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },
    async close() {
      await test.close().catch(() => {})
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }

  function hold(buildId: number, claim: JobClaim): TakenBuild {
    return {
      buildId,
      claim,
      begin: () => control.beginBuild({ buildId, claim }),
      report: (step, status, progress = null) =>
        control.reportBuildStep({ buildId, claim, step, status, progress }),
      complete: (result) => control.completeBuild({ buildId, claim, result }),
      async lose() {
        const { id, attempt } = claim
        const only = [{ id, attempt }]
        await releaseJobs(ledger, { workerId, only, error: 'Its worker has ended.' })
      },
    }
  }

  const { close } = app
  app.close = async () => {
    await relay.close()
    await feed.close()
    await logs.close()
    await objects.close()
    await close()
  }
  return app
}

/** Puts a file into the store, and says of it what a worker would. */
export async function storeZip(
  { builds }: Pick<BuildsApp, 'builds'>,
  attempt: Pick<BuildAttempt, 'buildId' | 'number'>,
  content: Buffer,
  fileName = 'open_webui_custom_20240108_101500.zip',
): Promise<ProducedOutput> {
  const objectKey = `builds/${attempt.buildId}/outputs/${attempt.number}/${fileName}`
  await builds.objects.put(objectKey, content)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { type: 'zip', objectKey, fileName, sizeBytes: content.length, sha256 }
}

const imageIdOf = (name: string) => `sha256:${createHash('sha256').update(name).digest('hex')}`

/** What a worker says of an image; without a digest it was not pushed. */
export const someImage = (
  url = 'open-webui-custom:20240108_101505',
  digest: string | null = null,
): ProducedOutput => ({
  type: 'docker_image',
  url,
  imageId: imageIdOf(url),
  digest,
  sizeBytes: 1_234,
})
