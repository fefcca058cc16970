import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extract } from 'tar-stream'
import { expect, it, onTestFinished } from 'vitest'
import { packDirectory } from './pack-directory.ts'

const { signal } = new AbortController()

async function packed(
  files: Readonly<Record<string, string>>,
  network: 'default' | 'none' = 'default',
): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-pack-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const archive = extract()
  const context = await packDirectory({ directory, dockerfile: 'Dockerfile', network }, signal)
  context.pipe(archive)
  const names: string[] = []
  for await (const entry of archive) {
    names.push(entry.header.name)
    entry.resume()
  }
  return names
}

it('packs a directory without what its .dockerignore names', async () => {
  const files = { Dockerfile: 'FROM scratch', a: '', b: '', 'c.log': '' }
  expect(await packed(files)).toEqual(['Dockerfile', 'a', 'b', 'c.log'])
  const ignore = { '.dockerignore': '*\n!a\n' }
  expect(await packed({ ...files, ...ignore })).toEqual(['.dockerignore', 'Dockerfile', 'a'])
})

it('refuses a Dockerfile whose program would not do without a network, where there is to be none', async () => {
  const files = { Dockerfile: '# syntax=evil.example.org/frontend\nFROM scratch' }
  await expect(packed(files, 'none')).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await packed(files)).toEqual(['Dockerfile'])
})
