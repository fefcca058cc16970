import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

/** `~/.config/slipway/config.yaml`: the servers that a person works with. */
export interface CliConfig {
  /** Name of the server that is used when none is named. */
  current: string | undefined
  servers: ReadonlyMap<string, ServerEntry>
}

export interface ServerEntry {
  url: string
  token: string | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** `SLIPWAY_CLI_CONFIG`, else below `XDG_CONFIG_HOME` or the home directory; null without any. */
export function configPath(env: Env): string | null {
  if (env.SLIPWAY_CLI_CONFIG) return env.SLIPWAY_CLI_CONFIG
  const base = env.XDG_CONFIG_HOME || (env.HOME && join(env.HOME, '.config'))
  return base ? join(base, 'slipway', 'config.yaml') : null
}

/**
 * An empty configuration where there is no file. A file that others can read is refused when it
 * holds a token.
 *
 * @throws CliError naming the file and what is wrong in it
 */
export async function readConfigFile(path: string | null): Promise<CliConfig> {
  const empty = { current: undefined, servers: new Map<string, ServerEntry>() }
  if (path === null) return empty
  let text: string
  let mode: number
  try {
    text = await readFile(path, 'utf8')
    mode = (await stat(path)).mode
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return empty
    throw new CliError(
      `${path} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`,
    )
  }
  const config = await parseConfig(path, text)
  const hasToken = [...config.servers.values()].some(({ token }) => token !== undefined)
  if (hasToken && (mode & 0o077) !== 0) {
    throw new CliError(`${path} holds a token and others can read it`, `chmod 600 ${path}`)
  }
  return config
}

async function parseConfig(path: string, text: string): Promise<CliConfig> {
  // Loaded when there is a file: most commands of most people come without.
  const { parse, YAMLParseError } = await import('yaml')
  const fail = (what: string): never => {
    throw new CliError(
      `${path}: ${what}`,
      'It looks like this:\n\n  current: home\n  servers:\n    home:\n      url: http://127.0.0.1:3000\n      token: slw_…',
    )
  }
  let content: unknown
  try {
    content = parse(text) ?? {}
  } catch (error) {
    return fail(error instanceof YAMLParseError ? error.message : 'not YAML')
  }
  if (!isRecord(content)) return fail('not a mapping')
  const { current, servers = {}, ...rest } = content
  for (const key of Object.keys(rest)) fail(`unknown key ${key}`)
  if (current !== undefined && typeof current !== 'string') return fail('current is not a name')
  if (!isRecord(servers)) return fail('servers is not a mapping of names to servers')
  const entries = new Map<string, ServerEntry>()
  for (const [name, entry] of Object.entries(servers)) {
    if (!isRecord(entry) || typeof entry.url !== 'string')
      return fail(`servers.${name}.url is missing`)
    const { url, token, ...others } = entry
    for (const key of Object.keys(others)) fail(`unknown key servers.${name}.${key}`)
    if (token !== undefined && typeof token !== 'string')
      return fail(`servers.${name}.token is not text`)
    entries.set(name, { url, token })
  }
  if (current !== undefined && !entries.has(current))
    return fail(`current names no server: ${current}`)
  return { current, servers: entries }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
