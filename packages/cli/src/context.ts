import { type ClientOptions, createClient, type SlipwayClient } from '@slipway/sdk'
import type { Io } from './io.ts'
import { createStyles, type Styles, wantsColour } from './render/styles.ts'
import { chooseServer, type ServerChoice } from './settings/choose-server.ts'
import { readLocalToken } from './settings/local-token.ts'
import { type Login, type LoginStore, openLoginStore } from './settings/login-store.ts'
import { configPath, readConfigFile } from './settings/read-config-file.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  json?: boolean
  url?: string
  server?: string
  token?: string
  color?: boolean
}

/** What a command works with: the world, how to show things, and the server once it is needed. */
export interface Context {
  io: Io
  json: boolean
  styles: Styles
  errorStyles: Styles
  /** @throws CliError when the settings name no usable server */
  connect(): Promise<Connection>
  /** Which server is meant, and with which token, without those of logins. @throws CliError likewise */
  choose(): Promise<ServerChoice>
  /** Null where there is no home to keep logins in. */
  readonly logins: LoginStore | null
}

export interface Connection {
  client: SlipwayClient
  url: string
  /** What the client authenticates with; it may have been renewed since. */
  token: string | undefined
  /** The same as it is now. Rejects as a request would, when it cannot be renewed. */
  bearer: () => Promise<string | undefined>
  /** Where that comes from, if `slipway login` has kept it. */
  login: Login['kind'] | undefined
}

export function createContext(world: Io, options: GlobalOptions): Context {
  // A program that reads errors as JSON is told nothing else beside them.
  const io = options.json === true ? { ...world, err: silent(world.err) } : world
  const colour = (output: Io['out']) => options.color !== false && wantsColour(output, io.env)
  let connection: Promise<Connection> | undefined
  const logins = openLoginStore(io.env)
  return {
    io,
    json: options.json === true,
    styles: createStyles(colour(io.out)),
    errorStyles: createStyles(colour(io.err)),
    logins,
    connect: () => (connection ??= connect(io, options, logins)),
    choose: async () => choose(io, options),
  }
}

function silent(output: Io['err']): Io['err'] {
  return { ...output, write: async () => undefined }
}

async function choose(io: Io, flags: GlobalOptions): Promise<ServerChoice> {
  const config = await readConfigFile(configPath(io.env))
  return chooseServer({ flags, env: io.env, config })
}

/** What is given for this call goes before a login, and that before what is written down. */
async function connect(
  io: Io,
  flags: GlobalOptions,
  logins: LoginStore | null,
): Promise<Connection> {
  const { url, isDefault, ...choice } = await choose(io, flags)
  const isGiven = choice.token !== undefined && choice.isOfFile !== true
  const login = isGiven ? undefined : await logins?.find(url)
  if (logins !== null && login !== undefined) {
    const bearer = await useLoginAt(logins, url, login, io.signal)
    const token = login.kind === 'token' ? login.token : login.accessToken
    return { client: clientAt(url, bearer), url, token, bearer, login: login.kind }
  }
  const token = choice.token ?? (isDefault ? await readLocalToken(io.env, io.cwd) : undefined)
  return { client: clientAt(url, token), url, token, bearer: async () => token, login: undefined }
}

function clientAt(url: string, token: ClientOptions['token']): SlipwayClient {
  return createClient({ baseUrl: url, token, headers: { 'user-agent': 'slipway-cli' } })
}

/** Loaded where there is a login. */
async function useLoginAt(logins: LoginStore, url: string, login: Login, signal: AbortSignal) {
  const { useLogin } = await import('./login/use-login.ts')
  return useLogin(logins, url, login, signal)
}

/** One JSON document on one line, for programs. */
export function printJson(io: Io, value: unknown): Promise<void> {
  return io.out.write(`${JSON.stringify(value)}\n`)
}
