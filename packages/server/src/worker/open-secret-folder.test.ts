import { access, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openSecretFolder } from './open-secret-folder.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'slipway-data-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
})

describe('openSecretFolder', () => {
  it('makes a folder of the owner’s alone, in memory, and removes it at the end', async () => {
    const { directory, close } = await openSecretFolder({ dataDir })
    expect(dirname(directory)).toBe('/dev/shm')
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    await close()
    await expect(access(directory)).rejects.toThrow('ENOENT')
  })

  it('removes what a killed predecessor left, and nothing of another server’s', async () => {
    const left = await openSecretFolder({ dataDir })
    await writeFile(join(left.directory, 'secret'), 'left')
    const otherData = join(dataDir, 'other')
    await mkdir(otherData)
    const other = await openSecretFolder({ dataDir: otherData })
    onTestFinished(() => other.close())
    const { directory, close } = await openSecretFolder({ dataDir })
    onTestFinished(() => close())
    expect(directory).not.toBe(left.directory)
    await expect(access(left.directory)).rejects.toThrow('ENOENT')
    await access(other.directory)
  })

  it('takes the data directory where there is no memory to be had', async () => {
    for (const memory of ['/no/such/place', dataDir]) {
      const { directory, close } = await openSecretFolder({ dataDir, memory })
      expect(directory.startsWith(join(dataDir, 'secret-files'))).toBe(true)
      expect((await stat(directory)).mode & 0o777).toBe(0o700)
      await close()
    }
  })
})
