import type { Session } from '@slipway/contract/sign-in'
import { createClient, SlipwayError } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatInstant } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'
import type { Login, LoginStore } from '../settings/login-store.ts'

interface LoginFlags {
  withToken?: boolean
}

export function addLoginCommands(program: Command, act: Act): void {
  program
    .command('login')
    .description('sign in to a server by its issuer, in a browser here or elsewhere')
    .option('--with-token', 'with a token from standard input instead')
    .action(act((context, flags: LoginFlags) => login(context, flags, program.opts())))
  program
    .command('logout')
    .description('forget the login of a server')
    .action(act((context) => logout(context)))
  program
    .command('whoami')
    .description('who you are to the server, what you may do and see, and for how long')
    .action(act((context) => whoami(context)))
}

async function login(
  context: Context,
  flags: LoginFlags,
  { token: given }: { token?: string },
): Promise<number> {
  const { io } = context
  const store = requireStore(context)
  const { url } = await context.choose()
  const made =
    flags.withToken === true || given !== undefined
      ? await readToken(context, given)
      : await signIn(context, url)
  const token = made.kind === 'token' ? made.token : made.accessToken
  const client = createClient({ baseUrl: url, token, headers: { 'user-agent': 'slipway-cli' } })
  const session = await client.session.get({ signal: io.signal }).catch((error: unknown) => {
    if (!(error instanceof SlipwayError) || error.status !== 401) throw error
    throw new CliError(
      `${url} does not take this token`,
      made.kind === 'oidc'
        ? 'The issuer gave it out for somebody else: OIDC_AUDIENCE of the server is not among its audiences.'
        : 'It is unknown, revoked or expired.',
      exitCodes.refused,
    )
  })
  await store.update(url, async () => made)
  if (context.json) await printJson(io, toJson(url, session))
  else {
    await io.err.write(`Signed in to ${url} as ${terminalWord(session.name)}\n`)
    if (session.roles.length === 0) {
      await io.err.write('You have no role here yet: whoever runs the issuer can give you one.\n')
    }
  }
  return exitCodes.success
}

async function readToken({ io }: Context, given: string | undefined): Promise<Login> {
  const text =
    given ?? (io.in.isTerminal ? await io.in.readHidden('Token: ') : await io.in.readAll())
  const token = text.trim()
  if (/^[\u0021-\u007e]+$/.test(token)) return { kind: 'token', token }
  throw new CliError('No token was given', 'Pipe it in: slipway login --with-token < token-file')
}

/** By the device flow (RFC 8628), at the issuer that the server names. */
async function signIn(context: Context, url: string): Promise<Login> {
  const { io } = context
  const server = createClient({ baseUrl: url, headers: { 'user-agent': 'slipway-cli' } })
  const { device } = await server.session.configuration({ signal: io.signal })
  if (device === null) {
    throw new CliError(
      `${url} has no issuer for the command line`,
      'Sign in with a token: slipway login --with-token',
    )
  }
  const [{ discover }, { awaitDevice, beginDeviceFlow }] = await Promise.all([
    import('../login/issuer.ts'),
    import('../login/device-flow.ts'),
  ])
  const issuer = await discover(device.issuer, io.signal)
  const client = { clientId: device.client_id, scope: device.scope }
  const code = await beginDeviceFlow(issuer, client, io.signal)
  const { userCode, verificationUri, completeUri } = code
  if (context.json) {
    await printJson(io, {
      verification_uri: verificationUri,
      verification_uri_complete: completeUri ?? null,
      user_code: userCode,
      expires_at: new Date(code.expiresAt).toISOString(),
    })
  } else {
    await io.err.write(
      `Open ${terminalWord(verificationUri)} and enter the code ${terminalWord(userCode)}\n` +
        (completeUri === undefined ? '' : `or open ${terminalWord(completeUri)}\n`),
    )
  }
  return awaitDevice(issuer, client.clientId, code, io.signal)
}

async function logout(context: Context): Promise<number> {
  const { io } = context
  const store = requireStore(context)
  const { url } = await context.choose()
  const former = await store.find(url)
  await store.update(url, async () => undefined)
  if (former?.kind === 'oidc' && former.refreshToken !== null) {
    const { revoke } = await import('../login/revoke.ts')
    await revoke(former.issuer, former.clientId, former.refreshToken, io.signal)
  }
  if (context.json) await printJson(io, { url, signed_out: former !== undefined })
  else {
    const what = former === undefined ? `There was no login of ${url}` : `Signed out of ${url}`
    const still = former?.kind === 'token' ? '; the token itself is still good' : ''
    await io.err.write(`${what}${still}\n`)
  }
  return exitCodes.success
}

async function whoami(context: Context): Promise<number> {
  const { io, styles } = context
  const { client, url } = await context.connect()
  const session = await client.session.get({ signal: io.signal })
  if (context.json) {
    await printJson(io, toJson(url, session))
    return exitCodes.success
  }
  const rows = [
    ['server', url],
    ['roles', session.roles.join(', ') || 'none'],
    [
      'repositories',
      session.repositories === null ? 'all' : session.repositories.join(', ') || 'none',
    ],
    ['until', session.expires_at === null ? 'no end' : `${formatInstant(session.expires_at)} UTC`],
  ] as const
  const lines = rows.map(
    ([name, value]) => `${styles.dim(name.padEnd(12))}  ${terminalWord(value)}`,
  )
  await io.out.write(`${terminalWord(session.name)}\n${lines.join('\n')}\n`)
  return exitCodes.success
}

function toJson(url: string, { session: _session, ...who }: Session): object {
  return { url, ...who }
}

function requireStore({ logins }: Context): LoginStore {
  if (logins !== null) return logins
  throw new CliError(
    'There is no place to keep a login in',
    'Set HOME, XDG_CONFIG_HOME or SLIPWAY_CLI_CONFIG.',
  )
}
