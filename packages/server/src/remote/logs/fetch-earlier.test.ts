import { mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import type { LogApi } from './ask-for-logs.ts'
import { fetchEarlier } from './fetch-earlier.ts'

async function openFilesBelow(folder: string): Promise<string[]> {
  const names = await readdir('/proc/self/fd')
  const paths = names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => ''))
  return (await Promise.all(paths)).filter((path) => path.startsWith(folder))
}

it('lets go of every file and answer where the log cannot be written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-fetch-'))
  try {
    const path = join(folder, 'a.log')
    // Where the log is written before it has its name.
    await mkdir(`${path}~`)
    const bodies: Readable[] = []
    const enough = new AbortController()
    const api: Pick<LogApi, 'get'> = {
      get: () => {
        const body = new Readable({ read() {} })
        if (bodies.push(body) === 2) enough.abort()
        return Promise.resolve({ status: 200, headers: {}, bytes: 3, indexBytes: 0, body })
      },
    }
    const owner = { workerId: 'w', key: 'a.log', path }
    await expect(fetchEarlier(api as LogApi, owner, enough.signal)).rejects.toThrow(/EISDIR/)
    expect(bodies.map(({ destroyed }) => destroyed)).toEqual([true, true])
    expect(await openFilesBelow(folder)).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
})
