import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { sameUrl } from './choose-server.ts'
import { configPath } from './read-config-file.ts'

/** What `slipway login` keeps for a server. */
export type Login =
  | { kind: 'token'; token: string }
  | {
      kind: 'oidc'
      accessToken: string
      /** Null: when the access token is over, so is the login. */
      refreshToken: string | null
      /** Milliseconds since the epoch. */
      expiresAt: number
      issuer: string
      clientId: string
    }

/** The logins of a person, in a file that nobody else can read. */
export interface LoginStore {
  readonly path: string
  find(url: string): Promise<Login | undefined>
  /**
   * Changes the login of a server; no other command does so at the same time. What `change` answers is
   * kept: undefined takes the login away.
   */
  update(
    url: string,
    change: (current: Login | undefined) => Promise<Login | undefined>,
  ): Promise<Login | undefined>
}

type Env = Readonly<Record<string, string | undefined>>

/** Milliseconds between two signs of life of whoever holds the lock, without one after which they must be dead. */
const beatMs = 1_000
const staleMs = 30_000
/** Milliseconds between two looks whether it is free. */
const lookMs = 50

/** Null where there is no home to keep it in. */
export function openLoginStore(env: Env): LoginStore | null {
  const config = configPath(env)
  if (config === null) return null
  const path = join(dirname(config), 'logins.json')
  const read = () => readLogins(path)
  return {
    path,
    async find(url) {
      return entryFor(await read(), url)?.[1]
    },
    update: (url, change) =>
      locked(`${path}.lock`, async () => {
        const logins = await read()
        const [key = url, current] = entryFor(logins, url) ?? []
        const next = await change(current)
        if (next === undefined) logins.delete(key)
        else logins.set(key, next)
        if (next !== current) await writeLogins(path, logins)
        return next
      }),
  }
}

function entryFor(logins: Map<string, Login>, url: string): [string, Login] | undefined {
  return [...logins].find(([known]) => sameUrl(known, url))
}

async function readLogins(path: string): Promise<Map<string, Login>> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) {
      throw new CliError(`${path} holds tokens and others can read it`, `chmod 600 ${path}`)
    }
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
    throw error
  }
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content === 'object' && content !== null) {
      return new Map(
        Object.entries(content).filter((entry): entry is [string, Login] => isLogin(entry[1])),
      )
    }
  } catch {
    // Told below.
  }
  throw new CliError(
    `${path} is not as it was written`,
    `Delete it and sign in again: slipway login`,
  )
}

function isLogin(value: unknown): value is Login {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  if (value.kind === 'token') return 'token' in value && typeof value.token === 'string'
  return value.kind === 'oidc' && 'accessToken' in value && typeof value.accessToken === 'string'
}

async function writeLogins(path: string, logins: Map<string, Login>): Promise<void> {
  if (logins.size === 0) return rm(path, { force: true })
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(Object.fromEntries(logins), null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

/** A file that one command at a time can make; one that is old was left behind. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const deadline = Date.now() + 2 * staleMs
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      break
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > staleMs) await rm(path, { force: true })
    if (Date.now() > deadline) {
      throw new CliError(`Another command holds ${path}`, `If none runs: rm ${path}`)
    }
    await sleep(lookMs)
  }
  // An issuer may take its time, and a refresh token be good for one use.
  const beat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, beatMs)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await rm(path, { force: true })
  }
}
