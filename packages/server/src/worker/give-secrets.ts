import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretConfig } from '@slipway/forge'
import { AppError } from '../errors.ts'
import type { TaskSecrets } from './task-secrets.ts'

/** The secrets of one command, ready for it. */
export interface GivenSecrets {
  env: Record<string, string>
  /** Directories that the command has to see. */
  readOnly: string[]
  /** Removes the files; repeating is harmless. */
  remove(): Promise<void>
}

/** Bytes of secrets in one environment: the kernel takes about 2 MiB of environment and arguments. */
const maxEnvironment = 1_048_576

/**
 * Makes the variables and files by which a command gets its secrets; files go into a folder of their own
 * below `folder`, for as long as the command runs. A command never starts with less than it asks for: an
 * AppError says what is missing.
 */
export async function giveSecrets(input: {
  folder: string
  id: string
  wanted: readonly SecretConfig[]
  secrets: TaskSecrets
}): Promise<GivenSecrets> {
  const { folder, id, wanted, secrets } = input
  const nothing = { env: {}, readOnly: [], remove: async () => undefined }
  if (wanted.length === 0) return nothing
  if (secrets.refusal !== null) throw new AppError('authorization_failed', secrets.refusal)
  requireAll(wanted, secrets)
  const env: Record<string, string> = {}
  const directory = join(folder, id)
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    for (const { name, env: variable, file } of wanted) {
      const value = secrets.values[name] ?? ''
      env[variable] = file ? join(directory, name) : value
      if (!file) continue
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(join(directory, name), value, { mode: 0o600 })
    }
  } catch (error) {
    await remove()
    throw error
  }
  const hasFiles = wanted.some(({ file }) => file)
  return { env, readOnly: hasFiles ? [directory] : [], remove }
}

function requireAll(wanted: readonly SecretConfig[], { values, repository }: TaskSecrets): void {
  const missing = [
    ...new Set(wanted.map(({ name }) => name).filter((name) => !Object.hasOwn(values, name))),
  ]
  if (missing.length > 0) {
    const [organisation] = repository.split('/')
    const what =
      missing.length === 1 ? `Secret ${missing[0]} is` : `Secrets ${missing.join(', ')} are`
    throw new AppError(
      'resource_not_found',
      `${what} not defined for ${repository}, nor for ${organisation}`,
    )
  }
  const inEnvironment = wanted.filter(({ file }) => !file)
  const bytes = inEnvironment.reduce(
    (sum, { name }) => sum + Buffer.byteLength(values[name] ?? ''),
    0,
  )
  if (bytes > maxEnvironment) {
    throw new AppError(
      'invalid_request',
      `Its secrets have ${bytes} bytes, more than the ${maxEnvironment} that fit an environment: take some as files`,
    )
  }
}
