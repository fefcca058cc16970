import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuildStepKey, BuildStepStatus } from '@slipway/contract/builds'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { buildLogKey } from '../../packages/server/src/builds/index.ts'
import { transact } from '../../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../../packages/server/src/events/index.ts'
import { createFileLogStore, type LogWriter } from '../../packages/server/src/logs/index.ts'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { openBuildSockets } from '../../packages/server/src/realtime/builds/open-build-sockets.ts'
import { dispatchUpgrades } from '../../packages/server/src/realtime/dispatch-upgrades.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'

export const buildRepository = 'acme/portal'

/** The sockets of builds on a database, a log store and a feed of their own; builds are what the test says. */
export interface BuildSockets {
  /** Of the socket of this build. */
  url(buildId: number | string, query?: string): string
  /** Lines that the server logged. */
  readonly logged: string[]
  create(steps?: readonly BuildStepKey[]): Promise<TestBuild>
  close(): Promise<void>
}

export interface TestBuild {
  readonly id: number
  /** Begins an attempt, and opens its log. */
  begin(): Promise<LogWriter>
  step(key: BuildStepKey, status: BuildStepStatus, progress?: number | null): Promise<void>
  /** Leaves a ZIP and ends as completed, once the log is whole. */
  complete(): Promise<void>
  fail(reason: 'cancelled' | 'step_failed' | 'interrupted', error: string): Promise<void>
}

export async function openBuildSocketsOn(
  databaseUrl: string,
  authenticate: (token: string) => Promise<Principal | null>,
  limits: Parameters<typeof openBuildSockets>[1] & { maxClients?: number } = {},
): Promise<BuildSockets> {
  const logged: string[] = []
  const info = (_: object, message = '') => void logged.push(message)
  const log = { info, warn() {}, error() {} }
  const { db, pool, close: closeDatabase } = await openDatabase({ url: databaseUrl, log })
  const directory = await mkdtemp(join(tmpdir(), 'slipway-build-sockets-'))
  const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
  const logs = createFileLogStore({ directory: join(directory, 'logs'), objects, log })
  const feed = createEventFeed({ db, log })
  const relay = startEventRelay({ pool, publish: feed.publish, log })
  const deps = { db, wakeEvents: () => relay.wake(), wakeJobs() {} }
  const { maxClients = 100, ...others } = limits
  const identity = { name: 'test', authenticate }
  const target = openBuildSockets({ db, feed, log, logs, identity, publicUrl: null }, others)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = dispatchUpgrades({ log, servers: [server], targets: [target] }, { maxClients })
  const { port } = server.address() as AddressInfo

  async function create(
    steps: readonly BuildStepKey[] = ['clone_repo', 'create_zip'],
  ): Promise<TestBuild> {
    const { id } = await db
      .insertInto('builds')
      .values({
        steps_to_execute: [...steps],
        repository: buildRepository,
        repository_info: JSON.stringify({
          id: 1,
          name: buildRepository,
          url: 'https://git.example.test/acme/portal.git',
          type: 'https',
          is_verified: true,
        }),
        output_type: 'zip',
        created_by: 'test',
        started_at: new Date(),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const rows = steps.map((key, position) => ({ build_id: id, key, position }))
    await db.insertInto('build_steps').values(rows).execute()
    return testBuild(id)
  }

  function testBuild(id: number): TestBuild {
    let writer: LogWriter | null = null
    let attempt = 0
    const about = { repository: buildRepository, runId: null }
    const data = { build_id: id, repository: buildRepository }
    return {
      id,
      async begin() {
        attempt += 1
        writer = await logs.open(buildLogKey(id), { secrets: [], stampLines: true })
        await transact(deps, async (unit) => {
          const now = { attempt, status: 'running' as const, executed_at: unit.now }
          await unit.trx.updateTable('builds').set(now).where('id', '=', id).execute()
          const anew = { status: 'pending' as const, progress: null }
          await unit.trx.updateTable('build_steps').set(anew).where('build_id', '=', id).execute()
          unit.emit({ type: 'build.started', ...about, data: { ...data, attempt } })
        })
        return writer
      },
      step: (key, status, progress = null) =>
        transact(deps, async (unit) => {
          await unit.trx
            .updateTable('build_steps')
            .set({ status, progress })
            .where('build_id', '=', id)
            .where('key', '=', key)
            .execute()
          const step = { ...data, step: key, status, progress }
          unit.emit({ type: 'build.step.updated', ...about, data: step })
        }),
      async complete() {
        await writer?.end()
        await transact(deps, async (unit) => {
          const ended = { status: 'completed' as const, completed_at: unit.now }
          await unit.trx.updateTable('builds').set(ended).where('id', '=', id).execute()
          await unit.trx
            .insertInto('build_outputs')
            .values({
              build_id: id,
              output_type: 'zip',
              object_key: `builds/${id}/outputs/1/portal.zip`,
              file_name: 'portal.zip',
              file_size_bytes: 42,
              checksum_sha256: 'a'.repeat(64),
              expires_at: new Date(unit.now.getTime() + 1_000_000),
              created_at: unit.now,
            })
            .execute()
          const end = { status: 'completed' as const, outputs: 1, duration_seconds: 0 }
          unit.emit({ type: 'build.completed', ...about, data: { ...data, ...end } })
        })
        await writer?.seal()
      },
      async fail(reason, error) {
        await transact(deps, async (unit) => {
          const ended = { status: 'failed' as const, failure_reason: reason, error }
          await unit.trx
            .updateTable('builds')
            .set({ ...ended, completed_at: unit.now })
            .where('id', '=', id)
            .execute()
          const end = { status: 'failed' as const, failure_reason: reason, error }
          unit.emit({ type: 'build.failed', ...about, data: { ...data, ...end } })
        })
      },
    }
  }

  return {
    url: (id, query = '') => `http://127.0.0.1:${port}/api/pipelines/runs/${id}/ws${query}`,
    logged,
    create,
    async close() {
      await sockets.close()
      server.close()
      await relay.close()
      await feed.close()
      await logs.close()
      await objects.close()
      await closeDatabase()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
