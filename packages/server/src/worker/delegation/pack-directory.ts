import { Readable } from 'node:stream'
import { packContext } from '../build/pack-context.ts'
import { readSmall } from '../build/read-dockerfile.ts'
import { withoutIgnored } from '../build/without-ignored.ts'
import { listTree } from '../build/zip/list-tree.ts'

const ignoreFile = '.dockerignore'

/** A directory as a build's context: without `.git` and what its `.dockerignore` names. */
export async function packDirectory(directory: string, signal: AbortSignal): Promise<Readable> {
  const entries = await listTree(directory, signal)
  const text = await readSmall(directory, ignoreFile)
  const isNeeded = (path: string) => path === ignoreFile || /^Dockerfile[^/]*$/i.test(path)
  const wanted = text === null ? entries : await withoutIgnored(entries, { text, isNeeded }, signal)
  return Readable.from(packContext({ directory, entries: wanted }, signal), { objectMode: false })
}
