import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createFilesystemPublisher } from '../../packages/server/src/adapters/publisher/filesystem/create-filesystem-publisher.ts'
import { artifact, fileContent, publisherSuite, unaborted } from './publisher.suite.ts'

const makeRoot = () => mkdtemp(join(tmpdir(), 'slipway-publisher-'))

publisherSuite('filesystem', async () => {
  const path = await makeRoot()
  return {
    publisher: createFilesystemPublisher(),
    with: { path },
    credential: null,
    read: (uri) => readFile(new URL(uri)),
    async list() {
      const entries = await readdir(path, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(path, join(entry.parentPath, entry.name)))
        .toSorted()
    },
    close: () => rm(path, { recursive: true }),
  }
})

async function world() {
  const path = await makeRoot()
  onTestFinished(() => rm(path, { recursive: true }))
  const content = fileContent(100)
  const publication = { artifact, content, with: { path }, credential: null, askedBy: null }
  const publish = () => createFilesystemPublisher().publish(publication, unaborted)
  return { path, publish }
}

it('lets everybody read what it has published, and its folders', async () => {
  const { publish } = await world()
  const published = await publish()
  if ('skipped' in published) throw new Error('skipped')
  const file = fileURLToPath(published.uri)
  expect((await stat(file)).mode & 0o777).toBe(0o644)
  expect((await stat(dirname(file))).mode & 0o777).toBe(0o755)
})

it('writes over nothing else that is in its place', async () => {
  const { publish } = await world()
  const published = await publish()
  if ('skipped' in published) throw new Error('skipped')
  await writeFile(new URL(published.uri), 'something else')
  await expect(publish()).rejects.toThrow('with other content')
  expect(await readFile(new URL(published.uri), 'utf8')).toBe('something else')
})

it('follows no link out of its directory', async () => {
  const { path, publish } = await world()
  await mkdir(join(path, 'acme'))
  const outside = await makeRoot()
  onTestFinished(() => rm(outside, { recursive: true }))
  await symlink(outside, join(path, 'acme', 'shop'))
  await expect(publish()).rejects.toThrow('leads out of the directory')
})

it('makes no directory that its operator has not made', async () => {
  const { path } = await world()
  const missing = { path: join(path, 'missing') }
  const publication = {
    artifact,
    content: fileContent(1),
    with: missing,
    credential: null,
    askedBy: null,
  }
  await expect(createFilesystemPublisher().publish(publication, unaborted)).rejects.toThrow(
    'is not there',
  )
})
