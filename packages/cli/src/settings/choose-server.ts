import { CliError } from '../cli-error.ts'
import type { CliConfig } from './read-config-file.ts'

const defaultUrl = 'http://127.0.0.1:3000'

export interface ServerChoice {
  url: string
  token: string | undefined
  /** Whether that is of the configuration file, which a login goes before. */
  isOfFile?: boolean
  /** Whether the URL was chosen by nobody: then it is this machine's server, if any. */
  isDefault: boolean
}

export interface ChoiceInput {
  flags: { url?: string | undefined; server?: string | undefined; token?: string | undefined }
  env: Readonly<Record<string, string | undefined>>
  config: CliConfig
}

/**
 * Flags before environment before configuration file. A token of the file goes to the server it is
 * written under and to no other.
 *
 * @throws CliError for a URL or a name that is none
 */
export function chooseServer({ flags, env, config }: ChoiceInput): ServerChoice {
  if (flags.server !== undefined && flags.url !== undefined) {
    throw new CliError('--url and --server name two servers', 'Give one of them.')
  }
  const { SLIPWAY_SERVER: envServer, SLIPWAY_URL: envUrl } = env
  const isOfEnv = flags.server === undefined && flags.url === undefined
  if (isOfEnv && envServer && envUrl) {
    throw new CliError('SLIPWAY_URL and SLIPWAY_SERVER name two servers', 'Set one of them.')
  }
  const name = flags.server ?? (isOfEnv ? envServer || undefined : undefined)
  const named = name === undefined ? undefined : entryNamed(config, name)
  const givenUrl = flags.url ?? (named ? undefined : envUrl || undefined)
  const current = config.current === undefined ? undefined : config.servers.get(config.current)
  const entry =
    named ??
    (givenUrl === undefined
      ? current
      : [...config.servers.values()].find(({ url }) => sameUrl(url, givenUrl)))
  const url = givenUrl ?? entry?.url ?? defaultUrl
  if (!isHttpUrl(url)) {
    throw new CliError(`Not the URL of a server: ${url}`, `It looks like ${defaultUrl}`)
  }
  // A token of the environment is for what the environment names, or for what nothing names.
  const given = flags.token ?? (flags.server ? undefined : env.SLIPWAY_TOKEN || undefined)
  return {
    url,
    token: given ?? entry?.token,
    ...(given === undefined && entry?.token !== undefined ? { isOfFile: true } : {}),
    isDefault: givenUrl === undefined && entry === undefined,
  }
}

function entryNamed(config: CliConfig, name: string) {
  const entry = config.servers.get(name)
  if (entry) return entry
  const known = [...config.servers.keys()].join(', ')
  throw new CliError(
    `No server is named ${name} in the configuration file`,
    known ? `Named there: ${known}` : `Write it down: slipway server create ${name} https://…`,
  )
}

/** Whether it may be the URL of a server. */
export function isHttpUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

export function sameUrl(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false
  const plain = (url: string) => new URL(url).href.replace(/\/+$/, '')
  return plain(one) === plain(other)
}
