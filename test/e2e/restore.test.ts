// What a restore refuses, what it replaces, and what it leaves as it was.
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import {
  type BackupWorld,
  contentOf,
  createBackupWorld,
  done,
  refused,
} from '../support/backup-world.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'
import { getRun } from '../support/runs.ts'
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
        refused(await runServerCommand(['restore', ...args, file], env), why)
        if (before === null) await expect(stat(dataDir)).rejects.toThrow('ENOENT')
        else expect(await contentOf(dataDir)).toEqual(before)
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
    refused(await runServerCommand(['restore', file], env), 'was made under another master key')
    done(await runServerCommand(['restore', '--ignore-key', file], env))
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
    done(await runServerCommand(['backup', file], env))
    done(await runServerCommand(['restore', file], { SLIPWAY_DATA_DIR: dataDir }))
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
      await runServerCommand(['backup', file], {
        SLIPWAY_DATA_DIR: join(place, 'none'),
        DATABASE_URL: database.url,
      }),
    )
    const dataDir = join(place, 'restored')
    refused(
      await runServerCommand(['restore', file], { SLIPWAY_DATA_DIR: dataDir }),
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
    done(await runServerCommand(['restore', file], env))
    const first = await readFile(join(dataDir, 'data-directory-id'), 'utf8')
    refused(
      await runServerCommand(['restore', file], env),
      /is not empty: it has postgres\. With --force/,
    )
    const said = done(await runServerCommand(['restore', '--force', file], env))
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
      await runServerCommand(['restore', file], env),
      /The database is not empty\. With --force everything in its schema is deleted/,
    )
    expect((await database.pool.query('select n from of_somebody')).rowCount).toBe(1)
    done(await runServerCommand(['restore', '--force', file], env))
    await expect(database.pool.query('select n from of_somebody')).rejects.toThrow('does not exist')
    expect((await database.pool.query('select id from runs')).rowCount).toBeGreaterThan(0)
  }, 60_000)

  it('belongs to a server that runs, and is left to it', async () => {
    refused(
      await runServerCommand(['restore', '--force', await backUp()], {
        SLIPWAY_DATA_DIR: server.dataDir,
      }),
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
  refused(await runServerCommand(['serve'], env), 'did not come to its end: run it again')
  refused(await runServerCommand(['backup', join(place, 'b.tar')], env), 'did not come to its end')
  done(await runServerCommand(['restore', file], env))
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
  expect(await contentOf(dataDir)).toEqual(before)
}, 60_000)

it('a command line that is wrong is refused before anything is done', async () => {
  for (const args of [
    ['backup'],
    ['backup', 'a', 'b'],
    ['restore', '--with-keys', 'a'],
    ['storage', 'lifecycle'],
  ]) {
    const { code, stderr } = await runServerCommand(args, { SLIPWAY_DATA_DIR: place })
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: slipway-server')
  }
  const there = await runServerCommand(['backup', join(place, 'none', 'b.tar')], {
    SLIPWAY_DATA_DIR: server.dataDir,
  })
  refused(there, 'There is no folder for')
  const file = await backUp()
  refused(
    await runServerCommand(['backup', file], { SLIPWAY_DATA_DIR: server.dataDir }),
    'is there already',
  )
  refused(
    await runServerCommand(['backup', join(place, 'x.tar')], {
      SLIPWAY_DATA_DIR: join(place, 'empty'),
    }),
    'There is no database in',
  )
})
