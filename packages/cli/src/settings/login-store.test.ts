import { mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLoginStore } from './login-store.ts'

let home: string
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), 'slipway-logins-'))))
afterEach(() => rm(home, { recursive: true }))

const url = 'https://slipway.test'

it('is not taken from a command that is still at it, however long that takes', async () => {
  const store = openLoginStore({ SLIPWAY_CLI_CONFIG: join(home, 'config.yaml') })
  if (store === null) throw new Error('no store')
  let begin = () => {}
  let end = () => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const ended = new Promise<void>((resolve) => (end = resolve))
  const first = store.update(url, async () => {
    begin()
    await ended
    return { kind: 'token', token: 'first' }
  })
  await begun
  const lock = `${store.path}.lock`
  const longAgo = new Date(Date.now() - 3_600_000)
  await utimes(lock, longAgo, longAgo)
  const age = async () => Date.now() - (await stat(lock)).mtimeMs
  await expect.poll(age, { timeout: 20_000 }).toBeLessThan(30_000)
  const second = store.update(url, async (current) => current)
  end()
  await first
  expect(await second).toEqual({ kind: 'token', token: 'first' })
  await expect(stat(lock)).rejects.toMatchObject({ code: 'ENOENT' })
})
