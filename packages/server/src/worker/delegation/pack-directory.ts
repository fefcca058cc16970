import { Readable } from 'node:stream'
import { parseDockerIgnore } from '../build/docker-ignore.ts'
import { packContext } from '../build/pack-context.ts'
import { readSmall } from '../build/read-dockerfile.ts'
import { listTree } from '../build/zip/list-tree.ts'

const ignoreFile = '.dockerignore'

/** A directory as a build's context: without `.git` and what its `.dockerignore` names. */
export async function packDirectory(directory: string, signal: AbortSignal): Promise<Readable> {
  const entries = await listTree(directory, signal)
  const text = await readSmall(directory, ignoreFile)
  const isIgnored = text === null ? () => false : parseDockerIgnore(text)
  const wanted = entries.filter(({ name }) => {
    const path = name.toString().replace(/\/$/, '')
    return path === ignoreFile || /^Dockerfile[^/]*$/i.test(path) || !isIgnored(path)
  })
  return Readable.from(packContext({ directory, entries: wanted }, signal), { objectMode: false })
}
