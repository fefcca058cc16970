import { Readable } from 'node:stream'
import type { ImageBuild } from '../../ports/image-engine.ts'
import { requireDockersFrontend } from '../build/check-frontend.ts'
import { packContext } from '../build/pack-context.ts'
import { readSmall } from '../build/read-dockerfile.ts'
import { withoutIgnored } from '../build/without-ignored.ts'
import { listTree } from '../build/zip/list-tree.ts'

const ignoreFile = '.dockerignore'

/**
 * A directory as a build's context: without `.git` and what its `.dockerignore` names. AppError
 * `invalid_request` where its Dockerfile would be built by a program that keeps to no `network`.
 */
export async function packDirectory(
  input: { directory: string; dockerfile: string; network: ImageBuild['network'] },
  signal: AbortSignal,
): Promise<Readable> {
  const { directory, dockerfile, network } = input
  if (network === 'none') {
    requireDockersFrontend((await readSmall(directory, dockerfile)) ?? '', {})
  }
  const entries = await listTree(directory, signal)
  const text = await readSmall(directory, ignoreFile)
  const isNeeded = (path: string) => path === ignoreFile || /^Dockerfile[^/]*$/i.test(path)
  const wanted = text === null ? entries : await withoutIgnored(entries, { text, isNeeded }, signal)
  return Readable.from(packContext({ directory, entries: wanted }, signal), { objectMode: false })
}
