// Backups, made while a server works, and what a restored one knows.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type BackupWorld,
  createBackupWorld,
  done,
  factsOf,
  projectOf,
  repositoryName,
  secretValue,
} from '../support/backup-world.ts'
import { createTestDatabase } from '../support/database.ts'
import { finishedRun, getRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import type { TestServer } from '../support/server.ts'
import { runServerCommand } from '../support/server-command.ts'

let world: BackupWorld
let server: TestServer
let released: Run
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  world = await createBackupWorld()
  ;({ server, released } = world)
}, 90_000)
afterAll(() => world.close())

/** A folder of its own. */
let place: string
beforeEach(async () => void (place = await world.newPlace()))
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const backUp = () => world.backUp(place)
const freshDirectory = (title?: string) => world.freshDirectory(place, title)

async function startOn(dataDir: string, more?: Record<string, string>): Promise<TestServer> {
  const restored = await world.startOn(dataDir, more)
  closing.push(() => restored.close())
  return restored
}

/** Numbers and contents of the events up to the one with `last` as its number. */
async function eventsOf(of: TestServer, last: number): Promise<string[]> {
  const response = await of.request('GET', '/v1/events?after=0', {
    signal: AbortSignal.timeout(20_000),
  })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8')
    if (new RegExp(String.raw`^id: ${last}\n(.+\n)+\n`, 'm').test(text)) break
  }
  return text.split('\n\n').filter((block) => {
    const id = Number(/^id: (\d+)$/m.exec(block)?.[1])
    return id <= last && block.includes('data:')
  })
}

/** All commits of an embedded GitOps repository. */
async function gitOpsOf(dataDir: string): Promise<string> {
  const cwd = join(dataDir, 'gitops.git')
  return (await promisify(execFile)('git', ['log', '--format=%H %T', 'main'], { cwd })).stdout
}

describe('a backup of a server that works', () => {
  it('is restored elsewhere as what it was, and goes on there', async () => {
    const commit = await world.repository.commit(
      projectOf('for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done'),
    )
    const refs = ['a', 'b', 'c', 'd', 'e', 'f']
    const running = await Promise.all(
      refs.map((ref) =>
        startRun(server, repositoryName, commit, { branch: `refs/tags/load-${ref}` }),
      ),
    )
    await expect
      .poll(async () => (await getRun(server, running[0] ?? '')).status, { timeout: 20_000 })
      .toBe('running')
    const before = await eventsOf(server, 5)
    const file = await backUp()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(place)).toEqual(['backup.tar'])
    expect((await readFile(file)).includes(secretValue)).toBe(false)

    const dataDir = await freshDirectory()
    done(await runServerCommand(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
    expect(await gitOpsOf(dataDir)).toBe(await gitOpsOf(server.dataDir))
    const restored = await startOn(dataDir)
    const there = await getRun(restored, released.id)
    expect(factsOf(there)).toEqual(factsOf(released))
    expect(await logOf(restored, stepNamed(there, 'talk'))).toBe(
      await logOf(server, stepNamed(await getRun(server, released.id), 'talk')),
    )
    expect(await restored.json('GET', `/v1/releases/${world.release.id}`)).toEqual(world.release)
    expect(await eventsOf(restored, 5)).toEqual(before)
    const deployments = (of: TestServer) =>
      of.json<ListDeploymentsResponse>('GET', '/v1/deployments')
    expect(await deployments(restored)).toEqual(await deployments(server))
    // What was under way is done again, with secrets that can be read.
    for (const id of running) expect((await finishedRun(restored, id)).status).toBe('success')
    const next = await world.repository.commit(projectOf('printf %s "$TOKEN" | sha256sum'))
    const run = await finishedRun(restored, await startRun(restored, repositoryName, next))
    const digest = createHash('sha256').update(secretValue).digest('hex')
    expect(await logOf(restored, stepNamed(run, 'talk'))).toContain(digest)
    // Numbers go on behind those of then, as if nothing had been.
    const release2 = await world.repository.commit(projectOf('true', { releases: true }))
    await finishedRun(restored, await startRun(restored, repositoryName, release2))
    const made = await restored.json<Release>(
      'GET',
      `/v1/releases/${repositoryName}/api/${release2}`,
    )
    expect(made.release_number).toBe(world.release.release_number + 1)
  }, 120_000)

  it('goes from an embedded database to one elsewhere, and back', async () => {
    const file = await backUp()
    const database = await createTestDatabase({ empty: true })
    closing.push(() => database.close())
    const there = await freshDirectory('there')
    const env = { SLIPWAY_DATA_DIR: there, DATABASE_URL: database.url }
    done(await runServerCommand(['restore', file], env))
    const elsewhere = await startOn(there, env)
    expect(factsOf(await getRun(elsewhere, released.id))).toEqual(factsOf(released))
    const second = join(place, 'second.tar')
    done(await runServerCommand(['backup', second], env))
    const back = await freshDirectory('back')
    done(await runServerCommand(['restore', second], { SLIPWAY_DATA_DIR: back }))
    const again = await startOn(back)
    const run = await getRun(again, released.id)
    expect(factsOf(run)).toEqual(factsOf(released))
    expect(await logOf(again, stepNamed(run, 'talk'))).toContain('200\n')
  }, 90_000)

  it('can be made of one that is stopped, into a folder, and with its keys', async () => {
    const dataDir = await freshDirectory('first')
    done(await runServerCommand(['restore', await backUp()], { SLIPWAY_DATA_DIR: dataDir }))
    const into = join(place, 'into')
    await mkdir(into)
    const settings = { SLIPWAY_DATA_DIR: dataDir, SLIPWAY_ADMIN_TOKEN: server.token }
    const said = done(await runServerCommand(['backup', '--with-keys', into], settings))
    expect(said).toContain('whoever can read it can read every secret')
    const [made = ''] = await readdir(into)
    expect(made).toMatch(/^slipway-.*\.tar$/)
    const second = join(place, 'second')
    done(await runServerCommand(['restore', join(into, made)], { SLIPWAY_DATA_DIR: second }))
    for (const key of ['master-key', 'admin-token']) {
      expect((await stat(join(second, key))).mode & 0o777).toBe(0o600)
    }
    expect(await readFile(join(second, 'master-key'), 'utf8')).toBe(
      await readFile(join(server.dataDir, 'master-key'), 'utf8'),
    )
    expect(await readFile(join(second, 'admin-token'), 'utf8')).toBe(`${server.token}\n`)
  }, 60_000)

  it('can leave out what is no row of the database', async () => {
    const file = join(place, 'rows.tar')
    const said = done(
      await runServerCommand(['backup', '--without-files', file], {
        SLIPWAY_DATA_DIR: server.dataDir,
      }),
    )
    expect(said).toContain('are not in the backup')
    const dataDir = await freshDirectory()
    done(await runServerCommand(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
    expect(await readdir(dataDir)).not.toContain('objects')
    const restored = await startOn(dataDir)
    expect((await getRun(restored, released.id)).status).toBe('success')
  }, 60_000)
})
