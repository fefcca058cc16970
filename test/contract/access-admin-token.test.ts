import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveAdminToken } from '../../packages/server/src/access/index.ts'

let dataDir: string
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'slipway-admin-'))))
afterEach(() => rm(dataDir, { recursive: true }))

const resolveToken = (configured: string | null = null) =>
  resolveAdminToken({ dataDir, configured })

describe('the administrator’s token', () => {
  it('is the configured one, which is kept nowhere', async () => {
    const token = 'configured-by-somebody'
    expect(await resolveToken(token)).toEqual({ token, path: null, created: false })
    expect(await readdir(dataDir)).toEqual([])
  })

  it('is made at the first start, for its owner’s eyes only, and stays', async () => {
    const path = join(dataDir, 'admin-token')
    const first = await resolveToken()
    expect(first).toEqual({
      token: expect.stringMatching(/^slw_[0-9A-Za-z]{40}$/),
      path,
      created: true,
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toBe(`${first.token}\n`)
    expect(await readdir(dataDir)).toEqual(['admin-token'])
    expect(await resolveToken()).toEqual({ ...first, created: false })
  })

  it('is one, however many servers start at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => resolveToken()))
    expect(new Set(all.map(({ token }) => token)).size).toBe(1)
    expect(all.filter(({ created }) => created)).toHaveLength(1)
    expect(await readdir(dataDir)).toEqual(['admin-token'])
  })

  it('makes the data directory', async () => {
    const deeper = join(dataDir, 'a', 'b')
    await resolveAdminToken({ dataDir: deeper, configured: null })
    expect((await stat(deeper)).mode & 0o777).toBe(0o700)
  })

  it('is refused where others can read it', async () => {
    await resolveToken()
    await chmod(join(dataDir, 'admin-token'), 0o644)
    await expect(resolveToken()).rejects.toThrow('can be read by others')
  })

  it('is refused where the file holds none', async () => {
    await writeFile(join(dataDir, 'admin-token'), '\n', { mode: 0o600 })
    await expect(resolveToken()).rejects.toThrow('does not hold a secret')
  })
})
