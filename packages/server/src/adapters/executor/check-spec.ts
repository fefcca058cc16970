import { realpath } from 'node:fs/promises'
import { isAbsolute, normalize, relative, resolve } from 'node:path'
import { AppError } from '../../errors.ts'
import type { ExecutionSpec } from '../../ports/executor.ts'

/** A specification whose paths were looked at after resolution. */
export interface CheckedSpec extends ExecutionSpec {
  /** Absolute, below `workspace` as that was given. */
  directory: string
}

/**
 * Refuses what must not be started: paths that are not there, or lead out of the workspace, or
 * would show `guarded` (the executor's own directory) to the command.
 */
export async function checkSpec(spec: ExecutionSpec, guarded: string): Promise<CheckedSpec> {
  const refuse = (message: string): never => {
    throw new AppError('invalid_request', message)
  }
  if (!/^[A-Za-z0-9-]{1,64}$/.test(spec.id)) refuse('An execution id is 1 to 64 of A-Z a-z 0-9 -')
  if (spec.argv[0] === '' || spec.argv.some((argument) => argument.includes('\0'))) {
    refuse('A command has a name, and no NUL in its arguments')
  }
  for (const [name, value] of Object.entries(spec.env)) {
    if (name === '' || name.includes('=') || name.includes('\0') || value.includes('\0')) {
      refuse(`The environment variable ${JSON.stringify(name)} cannot be passed on`)
    }
  }

  const directoryAt = async (path: string, what: string): Promise<string> => {
    if (
      !isAbsolute(path) ||
      normalize(path) !== path ||
      path.endsWith('/') ||
      path.includes('\0')
    ) {
      refuse(`The ${what} must be an absolute, normal path: ${JSON.stringify(path)}`)
    }
    try {
      // The dot makes it fail for anything but a directory.
      const real = await realpath(`${path}/.`)
      if (contains(real, guarded)) refuse(`The ${what} holds the server's own files: ${path}`)
      return real
    } catch (error) {
      if (error instanceof AppError) throw error
      return refuse(`The ${what} is not an existing directory: ${path}`)
    }
  }

  const directory = resolve(spec.workspace, spec.cwd)
  const [workspace, realDirectory] = await Promise.all([
    directoryAt(spec.workspace, 'workspace'),
    directory === spec.workspace ? null : realpath(`${directory}/.`).catch(() => null),
    spec.cache === null ? null : directoryAt(spec.cache, 'cache'),
    ...spec.readOnly.map((path) => directoryAt(path, 'read-only directory')),
  ])
  if (isAbsolute(spec.cwd) || !contains(spec.workspace, directory)) {
    refuse(`The working directory leaves the workspace: ${spec.cwd}`)
  }
  if (directory !== spec.workspace) {
    if (realDirectory === null) {
      return refuse(`The working directory is not an existing directory: ${spec.cwd}`)
    }
    if (!contains(workspace, realDirectory)) {
      refuse(`The working directory leaves the workspace: ${spec.cwd}`)
    }
  }
  return { ...spec, directory }
}

/** Whether `path` is `parent` or below it; both absolute and normal. */
export function contains(parent: string, path: string): boolean {
  const way = relative(parent, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way))
}
