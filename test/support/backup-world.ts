import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import { expect, vi } from 'vitest'
import { createRepository, type TestRepository } from './git-repository.ts'
import { getRun, startRun } from './runs.ts'
import { startTestServer, type TestServer } from './server.ts'
import { type CommandResult, runServerCommand } from './server-command.ts'

export const repositoryName = 'acme/shop'
/** What the steps of the server's runs are given, and nobody is shown. */
export const secretValue = 'a-secret-of-the-first-server'

/** A server that runs and has something to lose, and folders to restore it into. */
export interface BackupWorld {
  server: TestServer
  repository: TestRepository
  /** A run that has ended, and the release that it made. */
  released: Run
  release: Release
  /** A new folder. */
  newPlace(): Promise<string>
  /** A backup of the running server, in a folder. */
  backUp(place: string): Promise<string>
  /** A data directory with nothing in it but the server's master key. */
  freshDirectory(place: string, title?: string): Promise<string>
  /** Starts a server on a restored directory. */
  startOn(dataDir: string, more?: Record<string, string>): Promise<TestServer>
  close(): Promise<void>
}

export async function createBackupWorld(): Promise<BackupWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-backup-'))
  const server = await startTestServer()
  const repository = await createRepository(server.repositories, repositoryName)
  await server.request('PUT', `/v1/secrets/${encodeURIComponent(repositoryName)}/TOKEN`, {
    body: { value: secretValue },
  })
  const commit = await repository.commit(
    projectOf('printf %s "$TOKEN" | sha256sum; seq 200', { releases: true }),
  )
  const id = await startRun(server, repositoryName, commit)
  const isOver = async () => expect((await getRun(server, id)).status).toBe('success')
  await vi.waitFor(isOver, { timeout: 60_000, interval: 100 })
  return {
    server,
    repository,
    released: await getRun(server, id),
    release: await server.json('GET', `/v1/releases/${repositoryName}/api/${commit}`),
    newPlace: () => mkdtemp(join(folder, 'place-')),
    async backUp(place) {
      const file = join(place, 'backup.tar')
      done(await runServerCommand(['backup', file], { SLIPWAY_DATA_DIR: server.dataDir }))
      return file
    },
    async freshDirectory(place, title = 'restored') {
      const dataDir = join(place, title)
      await mkdir(dataDir, { mode: 0o700 })
      await copyFile(join(server.dataDir, 'master-key'), join(dataDir, 'master-key'))
      return dataDir
    },
    startOn: (dataDir, more = {}) =>
      startTestServer({
        SLIPWAY_DATA_DIR: dataDir,
        GIT_BASE_URL: `file://${server.repositories}`,
        ...more,
      }),
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Files of a repository whose one step runs `script`; a release is made of it where that is wanted. */
export function projectOf(script: string, { releases = false } = {}): Record<string, string> {
  const resources = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} }]
  return {
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { check: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      phases: { check: { steps: [{ name: 'talk', run: script, secrets: ['TOKEN'] }] } },
      ...(releases ? { release: { on: [{ branch: 'main' }] }, deploy: { resources } } : {}),
    }),
  }
}

/** The command did it; answers what it said. */
export function done(result: CommandResult): string {
  expect(result.stderr).toBe('')
  expect(result.code).toBe(0)
  return result.stdout
}

/** The command did nothing, and said why. */
export function refused(result: CommandResult, why: string | RegExp): void {
  expect(result.stderr).toMatch(why)
  expect(result.code).toBe(1)
}

/** A run without its links, which are new each time. */
export const factsOf = (run: Run) =>
  JSON.parse(
    JSON.stringify(run, (key, value: unknown) => (key === 'logs_url' ? null : value)),
  ) as Run

/** Names of all that is in a folder, but for the lock of whoever looked. */
export async function contentOf(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true })
  return names.filter((one) => one !== 'server.lock').toSorted((a, b) => (a < b ? -1 : 1))
}
