import { createClient, type SlipwayClient } from '@slipway/sdk'
import type { Io } from './io.ts'
import { createStyles, type Styles, wantsColour } from './render/styles.ts'
import { chooseServer } from './settings/choose-server.ts'
import { readLocalToken } from './settings/local-token.ts'
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
}

export interface Connection {
  client: SlipwayClient
  url: string
  /** What the client authenticates with. */
  token: string | undefined
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const colour = (output: Io['out']) => options.color !== false && wantsColour(output, io.env)
  let connection: Promise<Connection> | undefined
  return {
    io,
    json: options.json === true,
    styles: createStyles(colour(io.out)),
    errorStyles: createStyles(colour(io.err)),
    connect: () => (connection ??= connect(io, options)),
  }
}

async function connect(io: Io, flags: GlobalOptions): Promise<Connection> {
  const config = await readConfigFile(configPath(io.env))
  const choice = chooseServer({ flags, env: io.env, config })
  const token =
    choice.token ?? (choice.isDefault ? await readLocalToken(io.env, io.cwd) : undefined)
  const client = createClient({
    baseUrl: choice.url,
    token,
    headers: { 'user-agent': 'slipway-cli' },
  })
  return { client, url: choice.url, token }
}

/** One JSON document on one line, for programs. */
export function printJson(io: Io, value: unknown): Promise<void> {
  return io.out.write(`${JSON.stringify(value)}\n`)
}
