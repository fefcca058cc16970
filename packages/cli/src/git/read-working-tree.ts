import { execFile } from 'node:child_process'
import { open, opendir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { CliError } from '../cli-error.ts'

interface Where {
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}

/** The files of a directory as they are now, committed or not. */
export interface WorkingTree {
  /** Absolute, without symbolic links. */
  root: string
  list(): Promise<string[]>
  read(path: string, maxBytes: number): Promise<Buffer>
}

const MOST_ENTRIES = 200_000

/** The git checkout around `directory`, without what it ignores; the directory itself where there is none. */
export async function openWorkingTree(directory: string, where: Where): Promise<WorkingTree> {
  const start = await realpath(directory).catch(() => {
    throw new CliError(`There is no directory ${directory}`)
  })
  const top = await git(start, ['rev-parse', '--show-toplevel'], where)
  const root = top === null ? start : await realpath(top.replace(/\n$/, ''))
  return {
    root,
    async list() {
      const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
      const files = top === null ? null : await git(root, args, where)
      return files === null ? walk(root, where.signal) : files.split('\0').filter(Boolean)
    },
    async read(path, maxBytes) {
      const file = await realpath(join(root, path))
      const inside = relative(root, file)
      if (inside === '..' || inside.startsWith(`..${sep}`)) {
        throw new CliError(`${path} is a link that leads out of ${root}`)
      }
      const handle = await open(file)
      try {
        const buffer = Buffer.alloc(maxBytes + 1)
        let length = 0
        while (length < buffer.length) {
          const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
          if (bytesRead === 0) break
          length += bytesRead
        }
        return buffer.subarray(0, length)
      } finally {
        await handle.close()
      }
    },
  }
}

/** Relative paths of all files; links are not followed, nor what belongs to tools. */
async function walk(root: string, signal: AbortSignal): Promise<string[]> {
  const files: string[] = []
  const directories = ['']
  for (let at = directories.pop(); at !== undefined; at = directories.pop()) {
    for await (const entry of await opendir(join(root, at))) {
      signal.throwIfAborted()
      const path = at === '' ? entry.name : `${at}/${entry.name}`
      const isOurs = !entry.name.startsWith('.') || entry.name === '.forge'
      if (entry.isDirectory() && isOurs && entry.name !== 'node_modules') directories.push(path)
      if (entry.isFile()) files.push(path)
      if (files.length + directories.length > MOST_ENTRIES) {
        throw new CliError(
          `${root} holds more than ${MOST_ENTRIES} files`,
          'Name a smaller directory.',
        )
      }
    }
  }
  return files
}

/** Output; null where git fails or is missing. */
function git(cwd: string, args: readonly string[], { env, signal }: Where): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env, signal, timeout: 30_000, maxBuffer: 64 * 1024 * 1024 }
    execFile('git', args, options, (error, stdout) => {
      if (signal.aborted) reject(signal.reason as Error)
      else resolve(error ? null : stdout)
    })
  })
}
