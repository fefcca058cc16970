// What steps leave on the disk goes, whatever they have done to its rights.
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterAll(() => server.close())

const inDataDir = async (prefix: string) =>
  (await readdir(server.dataDir)).filter((name) => name.startsWith(prefix))

it('removes a workspace with a directory that nobody may write', async () => {
  const script = 'mkdir -p a/b; touch a/b/c; chmod 0555 a/b a'
  const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: script }]))
  const run = await finishedRun(server, await startRun(server, 'acme/shop', commit))
  expect(run.status).toBe('success')
  await expect.poll(() => readdir(join(server.dataDir, 'work')), { timeout: 10_000 }).toEqual([])
})

it('starts with workspaces of a dead predecessor in the way, and removes them', async () => {
  await server.kill()
  const left = join(server.dataDir, 'work', 'left')
  await mkdir(left, { recursive: true })
  await writeFile(join(left, 'file'), '')
  await chmod(left, 0o555)
  await server.restart()
  await expect.poll(() => inDataDir('work'), { timeout: 10_000 }).toEqual(['work'])
  expect(await readdir(join(server.dataDir, 'work'))).toEqual([])
})
