import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  makeScratch,
  type Owner,
  postgresProcesses,
  postmasterPid,
  startOwner,
  urlOf,
} from '../support/database-processes.ts'

let scratch: Awaited<ReturnType<typeof makeScratch>>
let dataDir: string
let owners: Owner[]

beforeEach(async () => {
  scratch = await makeScratch()
  dataDir = join(scratch.path, 'data')
  owners = []
})

afterEach(async () => {
  for (const owner of owners) await owner.stop()
  await scratch.remove()
})

const gone = { timeout: 20_000, interval: 10 }

function start(): Owner {
  const owner = startOwner(dataDir)
  owners.push(owner)
  return owner
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

test('PostgreSQL goes with an owner that is killed, and what was committed is there after', async () => {
  const first = start()
  const url = await urlOf(first)
  await query(url, 'create table kept as select 1 as n')
  expect(await postgresProcesses(dataDir)).not.toEqual([])
  await first.kill()
  await expect.poll(() => postgresProcesses(dataDir), gone).toEqual([])

  expect(await query(await urlOf(start()), 'select n from kept')).toEqual([{ n: 1 }])
})

test('a successor need not wait for the PostgreSQL of a killed owner to be gone', async () => {
  const first = start()
  const url = await urlOf(first)
  await query(url, 'create table kept as select generate_series(1, 200000) as n')
  await first.kill()
  const second = start()
  expect(await query(await urlOf(second), 'select count(*)::int as n from kept')).toEqual([
    { n: 200_000 },
  ])
  await second.stop()
  expect(await postgresProcesses(dataDir)).toEqual([])
})

test('an owner that is killed while it makes the cluster leaves nothing that a next start trips over', async () => {
  const home = join(dataDir, 'postgres')
  const exists = (path: string) => stat(path).then(Boolean, () => false)
  const scratchHas = async (path: string) => {
    const names = await readdir(home).catch(() => [])
    const name = names.find((candidate) => candidate.startsWith('initdb-'))
    return name !== undefined && exists(join(home, name, path))
  }
  const moments = [
    () => scratchHas('.'),
    () => scratchHas('PG_VERSION'),
    () => scratchHas('global/pg_control'),
    () => exists(join(home, 'data')),
  ]
  for (const moment of moments) {
    const owner = start()
    await expect.poll(moment, { timeout: 10_000, interval: 1 }).toBe(true)
    await owner.kill()
  }
  expect(await query(await urlOf(start()), 'select 1 as n')).toEqual([{ n: 1 }])
  expect((await readdir(home)).filter((name) => name.startsWith('initdb-'))).toEqual([])
})

test('a pid file whose pid has gone to another process is no obstacle', async () => {
  const first = start()
  await urlOf(first)
  const pidFile = join(dataDir, 'postgres/data/postmaster.pid')
  const left = await readFile(pidFile, 'utf8')
  await first.stop()
  await writeFile(pidFile, left.replace(/^\d+/, String(process.pid)))
  expect(await query(await urlOf(start()), 'select 1 as n')).toEqual([{ n: 1 }])
})

test('a second owner of a directory is refused and told who the first is', async () => {
  const first = start()
  const url = await urlOf(first)
  const said = await start().said
  expect(said).toMatchObject({
    name: 'StartupError',
    error: expect.stringMatching(
      `in use by another Slipway server \\(process ${first.pid}, since `,
    ),
  })
  expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('of many that start at once, one becomes the owner', async () => {
  const said = await Promise.all([start(), start(), start(), start()].map((owner) => owner.said))
  expect(said.filter((line) => 'url' in line)).toHaveLength(1)
  expect(
    said.filter((line) => 'error' in line && /in use by another/.test(line.error)),
  ).toHaveLength(3)
})

test('a PostgreSQL that is killed is started again', async () => {
  const owner = start()
  const url = await urlOf(owner)
  const before = await postmasterPid(dataDir)
  process.kill(before, 'SIGKILL')
  await expect.poll(() => query(url, 'select 1 as n').catch(() => null), gone).toEqual([{ n: 1 }])
  expect(await postmasterPid(dataDir)).not.toBe(before)
})
