import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../cli-error.ts'
import { configPath, readConfigFile, type ServerEntry } from './read-config-file.ts'

/** The configuration file while it is changed; what is in it besides, and its comments, stay. */
export interface ChangeableConfig {
  readonly servers: ReadonlyMap<string, ServerEntry>
  setUrl(name: string, url: string): void
  setCurrent(name: string): void
  delete(name: string): void
}

/**
 * Writes the file anew, whole or not at all, for its owner alone.
 *
 * @throws CliError where there is no place for it, or what is there is not right
 */
export async function changeConfigFile<T>(
  env: Readonly<Record<string, string | undefined>>,
  change: (file: ChangeableConfig) => T,
): Promise<T> {
  const path = configPath(env)
  if (path === null) {
    throw new CliError(
      'There is no place to keep a configuration in',
      'Set HOME, XDG_CONFIG_HOME or SLIPWAY_CLI_CONFIG.',
    )
  }
  const { servers, current } = await readConfigFile(path)
  const { parseDocument } = await import('yaml')
  const text = await readFile(path, 'utf8').catch(() => '')
  const document = parseDocument(text)
  const done = change({
    servers,
    setUrl: (name, url) => document.setIn(['servers', name, 'url'], url),
    setCurrent: (name) => document.set('current', name),
    delete: (name) => {
      document.deleteIn(['servers', name])
      if (current === name) document.delete('current')
    },
  })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await replace(path, document.toString())
  return done
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
