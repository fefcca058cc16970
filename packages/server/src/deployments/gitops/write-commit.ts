import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runGit } from '../../git/index.ts'
import { GitOpsError } from './gitops-error.ts'

export interface NewFile {
  /** Below the root, of characters that need no quoting. */
  path: string
  content: string
}

export interface NewCommit {
  /** Full name of the parent; null: it is the first. */
  base: string | null
  /** What changes against the parent; none: a commit that changes nothing. */
  files: readonly NewFile[]
  message: string
  at: Date
}

/** Keeps the newest commit that was made here from being collected as garbage. */
const ref = 'refs/slipway/next'
const who = 'Slipway <slipway@localhost>'

/**
 * Makes a commit in a bare repository, durably, in one process, and answers its name. No branch
 * points at it yet.
 */
export async function writeCommit(
  directory: string,
  commit: NewCommit,
  signal: AbortSignal,
): Promise<string> {
  let result = await fastImport(directory, commit, signal)
  if (result.code !== 0 && lockLeft.test(result.stderr)) {
    // Only whoever has the turn takes that lock, so this one is of a git that was killed.
    await rm(join(directory, `${ref}.lock`), { force: true })
    result = await fastImport(directory, commit, signal)
  }
  const sha = result.stdout.toString('latin1').trim()
  if (result.code === 0 && /^[0-9a-f]{40,64}$/.test(sha)) return sha
  throw new GitOpsError('The commit could not be made', { cause: new Error(result.stderr) })
}

const lockLeft = /\.lock': File exists/

function fastImport(directory: string, commit: NewCommit, signal: AbortSignal) {
  return runGit(
    [
      '-c',
      'core.fsync=all',
      // One pack is one file to be synced, and needs no second process; tidying makes one of many.
      '-c',
      'fastimport.unpackLimit=1',
      'fast-import',
      '--quiet',
      '--done',
      '--force',
    ],
    { cwd: directory, signal, input: importStream(commit) },
  )
}

/** git-fast-import(1): lengths are counted in bytes. */
function importStream({ base, files, message, at }: NewCommit): Buffer {
  const parts: (string | Buffer)[] = []
  const data = (text: string) => {
    const bytes = Buffer.from(text)
    parts.push(`data ${bytes.length}\n`, bytes, '\n')
  }
  const stamp = `${who} ${Math.floor(at.getTime() / 1000)} +0000\n`
  parts.push(`commit ${ref}\nmark :1\nauthor ${stamp}committer ${stamp}`)
  data(message)
  if (base !== null) parts.push(`from ${base}\n`)
  for (const { path, content } of files) {
    parts.push(`M 100644 inline ${path}\n`)
    data(content)
  }
  parts.push('\nget-mark :1\ndone\n')
  return Buffer.concat(parts.map((part) => Buffer.from(part)))
}
