// Backups, made while a server works, and what a restored one knows.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { quietLog } from '../support/quiet-log.ts'
import { finishedRun, getRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type CommandResult, runServerCommand } from '../support/server-command.ts'

const name = 'acme/shop'
const secret = 'a-secret-of-the-first-server'
let server: TestServer
let repository: TestRepository
let folder: string
let release: Release
let released: Run
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-backup-'))
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
  await server.request('PUT', `/v1/secrets/${encodeURIComponent(name)}/TOKEN`, {
    body: { value: secret },
  })
  const commit = await repository.commit(project('printf %s "$TOKEN" | sha256sum; seq 200', true))
  const id = await startRun(server, name, commit)
  const isOver = async () => expect((await getRun(server, id)).status).toBe('success')
  await vi.waitFor(isOver, { timeout: 40_000, interval: 100 })
  released = await getRun(server, id)
  release = await server.json('GET', `/v1/releases/${name}/api/${commit}`)
}, 60_000)
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

let count = 0
/** A folder of its own. */
let place: string
beforeEach(async () => {
  count += 1
  place = join(folder, String(count))
  await mkdir(place)
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function project(script: string, releases = false): Record<string, string> {
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

const command = (args: string[], env: Record<string, string>) => runServerCommand(args, env)
const done = (result: CommandResult) => {
  expect(result.stderr).toBe('')
  expect(result.code).toBe(0)
  return result.stdout
}
const refused = (result: CommandResult, why: string | RegExp) => {
  expect(result.stderr).toMatch(why)
  expect(result.code).toBe(1)
}

async function backUp(from = server.dataDir, more: Record<string, string> = {}): Promise<string> {
  const file = join(place, 'backup.tar')
  done(await command(['backup', file], { SLIPWAY_DATA_DIR: from, ...more }))
  return file
}

/** A fresh data directory with the master key of the first server. */
async function freshDirectory(title = 'restored'): Promise<string> {
  const dataDir = join(place, title)
  await mkdir(dataDir, { mode: 0o700 })
  await copyFile(join(server.dataDir, 'master-key'), join(dataDir, 'master-key'))
  return dataDir
}

async function startOn(dataDir: string, more: Record<string, string> = {}): Promise<TestServer> {
  const restored = await startTestServer({
    SLIPWAY_DATA_DIR: dataDir,
    GIT_BASE_URL: `file://${server.repositories}`,
    ...more,
  })
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

/** A run without its links, which are new each time. */
const factsOf = (run: Run) =>
  JSON.parse(
    JSON.stringify(run, (key, value: unknown) => (key === 'logs_url' ? null : value)),
  ) as Run

/** Everything there is in a folder, and nothing of when it was looked at. */
async function contentOf(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).toSorted((a, b) => (a < b ? -1 : 1))
}

describe('a backup of a server that works', () => {
  it('is restored elsewhere as what it was, and goes on there', async () => {
    const commit = await repository.commit(
      project('for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done'),
    )
    const refs = ['a', 'b', 'c', 'd', 'e', 'f']
    const running = await Promise.all(
      refs.map((ref) => startRun(server, name, commit, { branch: `refs/tags/load-${ref}` })),
    )
    await expect
      .poll(async () => (await getRun(server, running[0] ?? '')).status, { timeout: 20_000 })
      .toBe('running')
    const before = await eventsOf(server, 5)
    const file = await backUp()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(place)).toEqual(['backup.tar'])
    expect((await readFile(file)).includes(secret)).toBe(false)

    const dataDir = await freshDirectory()
    done(await command(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
    expect(await gitOpsOf(dataDir)).toBe(await gitOpsOf(server.dataDir))
    const restored = await startOn(dataDir)
    const there = await getRun(restored, released.id)
    expect(factsOf(there)).toEqual(factsOf(released))
    expect(await logOf(restored, stepNamed(there, 'talk'))).toBe(
      await logOf(server, stepNamed(await getRun(server, released.id), 'talk')),
    )
    expect(await restored.json('GET', `/v1/releases/${release.id}`)).toEqual(release)
    expect(await eventsOf(restored, 5)).toEqual(before)
    const deployments = (of: TestServer) =>
      of.json<ListDeploymentsResponse>('GET', '/v1/deployments')
    expect(await deployments(restored)).toEqual(await deployments(server))
    // What was under way is done again, with secrets that can be read.
    for (const id of running) expect((await finishedRun(restored, id)).status).toBe('success')
    const next = await repository.commit(project('printf %s "$TOKEN" | sha256sum'))
    const run = await finishedRun(restored, await startRun(restored, name, next))
    const digest = createHash('sha256').update(secret).digest('hex')
    expect(await logOf(restored, stepNamed(run, 'talk'))).toContain(digest)
    // Numbers go on behind those of then, as if nothing had been.
    const release2 = await repository.commit(project('true', true))
    await finishedRun(restored, await startRun(restored, name, release2))
    const made = await restored.json<Release>('GET', `/v1/releases/${name}/api/${release2}`)
    expect(made.release_number).toBe(release.release_number + 1)
  }, 120_000)

  it('goes from an embedded database to one elsewhere, and back', async () => {
    const file = await backUp()
    const database = await createTestDatabase({ empty: true })
    closing.push(() => database.close())
    const there = await freshDirectory('there')
    const env = { SLIPWAY_DATA_DIR: there, DATABASE_URL: database.url }
    done(await command(['restore', file], env))
    const elsewhere = await startOn(there, env)
    expect(factsOf(await getRun(elsewhere, released.id))).toEqual(factsOf(released))
    const second = join(place, 'second.tar')
    done(await command(['backup', second], env))
    const back = await freshDirectory('back')
    done(await command(['restore', second], { SLIPWAY_DATA_DIR: back }))
    const again = await startOn(back)
    const run = await getRun(again, released.id)
    expect(factsOf(run)).toEqual(factsOf(released))
    expect(await logOf(again, stepNamed(run, 'talk'))).toContain('200\n')
  }, 90_000)

  it('can be made of one that is stopped, into a folder, and with its keys', async () => {
    const dataDir = await freshDirectory('first')
    done(await command(['restore', await backUp()], { SLIPWAY_DATA_DIR: dataDir }))
    const into = join(place, 'into')
    await mkdir(into)
    const settings = { SLIPWAY_DATA_DIR: dataDir, SLIPWAY_ADMIN_TOKEN: server.token }
    const said = done(await command(['backup', '--with-keys', into], settings))
    expect(said).toContain('whoever can read it can read every secret')
    const [made = ''] = await readdir(into)
    expect(made).toMatch(/^slipway-.*\.tar$/)
    const second = join(place, 'second')
    done(await command(['restore', join(into, made)], { SLIPWAY_DATA_DIR: second }))
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
      await command(['backup', '--without-files', file], { SLIPWAY_DATA_DIR: server.dataDir }),
    )
    expect(said).toContain('are not in the backup')
    const dataDir = await freshDirectory()
    done(await command(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
    expect(await readdir(dataDir)).not.toContain('objects')
    const restored = await startOn(dataDir)
    expect((await getRun(restored, released.id)).status).toBe('success')
  }, 60_000)
})

describe('a backup that cannot be restored', () => {
  let file: string
  beforeEach(async () => void (file = await backUp()))

  /** Tries, and makes sure that nothing has come of it. */
  async function refusal(why: string | RegExp, args: string[] = [], key = true): Promise<void> {
    const dataDir = key ? await freshDirectory() : join(place, 'restored')
    const before = key ? await contentOf(dataDir) : null
    const database = await createTestDatabase({ empty: true })
    try {
      for (const env of [
        { SLIPWAY_DATA_DIR: dataDir },
        { SLIPWAY_DATA_DIR: dataDir, DATABASE_URL: database.url },
      ]) {
        refused(await command(['restore', ...args, file], env), why)
        if (before === null) await expect(stat(dataDir)).rejects.toThrow('ENOENT')
        else
          expect((await contentOf(dataDir)).filter((one) => one !== 'server.lock')).toEqual(before)
      }
      const { rows } = await database.pool.query(
        'select from pg_class where relnamespace = $1::regnamespace',
        ['public'],
      )
      expect(rows).toEqual([])
    } finally {
      await database.close()
    }
  }

  it('is refused when it is cut off', async () => {
    await truncate(file, Math.floor((await stat(file)).size / 2))
    await refusal('cannot be restored')
  })

  it('is refused when something in it is changed', async () => {
    const bytes = await readFile(file)
    const at = bytes.indexOf(released.id)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await writeFile(file, bytes)
    await refusal(/the checksum of tables\/\S+ is another/)
  })

  it('is refused without the master key that it was made under, unless that is wanted', async () => {
    await refusal('was made under a master key that is not here', [], false)
    const dataDir = join(place, 'other')
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'master-key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, {
      mode: 0o600,
    })
    const env = { SLIPWAY_DATA_DIR: dataDir }
    refused(await command(['restore', file], env), 'was made under another master key')
    done(await command(['restore', '--ignore-key', file], env))
  })

  it('is refused where it is no backup, or there is none', async () => {
    file = join(place, 'other.tar')
    await refusal('cannot be read: ENOENT')
    await rm(join(place, 'restored'), { recursive: true })
    await writeFile(file, 'something else')
    await refusal('cannot be restored')
  })
})

describe('a schema of another time', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase({ empty: true })
    closing.push(() => database.close())
  })

  it('is brought up to this program', async () => {
    const all = new URL('../../packages/server/migrations/', import.meta.url)
    const old = join(place, 'migrations')
    await mkdir(old)
    for (const one of (await readdir(all)).filter((file) => file < '0012')) {
      await copyFile(new URL(one, all), join(old, one))
    }
    await migrate({ pool: database.pool, log: quietLog }, old)
    await database.pool.query(
      `insert into branding_templates (name, brand_name, created_by, created_at, updated_at)
       values ('of then', 'Then', 'somebody', now(), now())`,
    )
    const dataDir = await freshDirectory()
    const env = { SLIPWAY_DATA_DIR: join(place, 'none'), DATABASE_URL: database.url }
    const file = join(place, 'old.tar')
    done(await command(['backup', file], env))
    done(await command(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
    const restored = await startOn(dataDir)
    const list = await restored.request('GET', '/api/branding/templates')
    expect(await list.text()).toContain('"name":"of then"')
    // The next number is not one that is taken.
    const made = await restored.request('POST', '/api/branding/templates', {
      body: { name: 'of now', brand_name: 'Now' },
    })
    expect(made.status).toBe(201)
  }, 60_000)

  it('is refused when it is newer, with nothing changed', async () => {
    await migrate({ pool: database.pool, log: quietLog })
    await database.pool.query(`insert into schema_migrations values ('9999_later.sql', 'x')`)
    const file = join(place, 'later.tar')
    done(
      await command(['backup', file], {
        SLIPWAY_DATA_DIR: join(place, 'none'),
        DATABASE_URL: database.url,
      }),
    )
    const dataDir = join(place, 'restored')
    refused(
      await command(['restore', file], { SLIPWAY_DATA_DIR: dataDir }),
      /was made by a newer program \(\S+\)\. Restore it with that one/,
    )
    await expect(stat(dataDir)).rejects.toThrow('ENOENT')
  })
})

describe('what is there already', () => {
  it('is not replaced, unless that is said: then files are moved aside', async () => {
    const file = await backUp()
    const dataDir = await freshDirectory()
    const env = { SLIPWAY_DATA_DIR: dataDir }
    done(await command(['restore', file], env))
    const first = await readFile(join(dataDir, 'data-directory-id'), 'utf8')
    refused(await command(['restore', file], env), /is not empty: it has postgres\. With --force/)
    const said = done(await command(['restore', '--force', file], env))
    expect(said).toContain('what was there before is in this folder')
    const aside = (await readdir(dataDir)).find((one) => one.startsWith('replaced-')) ?? ''
    expect(await readFile(join(dataDir, aside, 'data-directory-id'), 'utf8')).toBe(first)
    const restored = await startOn(dataDir)
    expect((await getRun(restored, released.id)).status).toBe('success')
  }, 60_000)

  it('in a database elsewhere is deleted by force, and only then', async () => {
    const file = await backUp()
    const database = await createTestDatabase()
    closing.push(() => database.close())
    await database.pool.query(
      'create table of_somebody (n int); insert into of_somebody values (1)',
    )
    const dataDir = await freshDirectory()
    const env = { SLIPWAY_DATA_DIR: dataDir, DATABASE_URL: database.url }
    refused(
      await command(['restore', file], env),
      /The database is not empty\. With --force everything in its schema is deleted/,
    )
    expect((await database.pool.query('select n from of_somebody')).rowCount).toBe(1)
    done(await command(['restore', '--force', file], env))
    await expect(database.pool.query('select n from of_somebody')).rejects.toThrow('does not exist')
    expect((await database.pool.query('select id from runs')).rowCount).toBeGreaterThan(0)
  }, 60_000)

  it('belongs to a server that runs, and is left to it', async () => {
    refused(
      await command(['restore', '--force', await backUp()], { SLIPWAY_DATA_DIR: server.dataDir }),
      'is in use by another Slipway server',
    )
    expect((await server.request('GET', '/health')).status).toBe(200)
  })
})

it('a restore that did not come to its end keeps the server from starting, and can be repeated', async () => {
  const file = await backUp()
  const dataDir = await freshDirectory()
  await mkdir(join(dataDir, 'restoring', 'postgres'), { recursive: true })
  const env = { SLIPWAY_DATA_DIR: dataDir, PORT: '0', SLIPWAY_COMPAT_PORTS: '' }
  refused(await command(['serve'], env), 'did not come to its end: run it again')
  refused(await command(['backup', join(place, 'b.tar')], env), 'did not come to its end')
  done(await command(['restore', file], env))
  expect(await readdir(dataDir)).not.toContain('restoring')
}, 60_000)

it('a restore that is stopped has changed nothing', async () => {
  const file = await backUp()
  const dataDir = await freshDirectory()
  const before = await contentOf(dataDir)
  const result = await runServerCommand(['restore', file], { SLIPWAY_DATA_DIR: dataDir }, (pid) => {
    const look = async () => {
      if ((await readdir(dataDir)).includes('restoring')) process.kill(pid, 'SIGTERM')
      else setTimeout(() => void look(), 5)
    }
    void look()
  })
  refused(result, 'Stopped')
  expect((await contentOf(dataDir)).filter((one) => one !== 'server.lock')).toEqual(before)
}, 60_000)

it('a command line that is wrong is refused before anything is done', async () => {
  for (const args of [
    ['backup'],
    ['backup', 'a', 'b'],
    ['restore', '--with-keys', 'a'],
    ['storage', 'lifecycle'],
  ]) {
    const { code, stderr } = await command(args, { SLIPWAY_DATA_DIR: place })
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: slipway-server')
  }
  const there = await command(['backup', join(folder, 'none', 'b.tar')], {
    SLIPWAY_DATA_DIR: server.dataDir,
  })
  refused(there, 'There is no folder for')
  const file = await backUp()
  refused(await command(['backup', file], { SLIPWAY_DATA_DIR: server.dataDir }), 'is there already')
  refused(
    await command(['backup', join(place, 'x.tar')], { SLIPWAY_DATA_DIR: join(place, 'empty') }),
    'There is no database in',
  )
})
