import type { Session } from '@slipway/contract/sign-in'
import { SlipwayError } from '@slipway/sdk'
import { CliError } from '../cli-error.ts'
import type { Connection, Context } from '../context.ts'
import { formatDuration, formatInstant } from '../render/format-time.ts'
import { describeError } from '../report-error.ts'
import type { Finding } from './finding.ts'

/** Milliseconds by which clocks may differ before tokens and links end at surprising times. */
const skewMs = 30_000
/** Milliseconds before its end in which a token should be renewed. */
const soonMs = 7 * 86_400_000
/** Milliseconds for the server's description of itself. */
const describeMs = 15_000

/** The server that commands would go to, and what it takes them for. `version` is the command's own. */
export async function checkServer(context: Context, version: string): Promise<Finding[]> {
  const { signal, env } = context.io
  let connection: Connection | undefined
  try {
    connection = await context.connect()
    const { url } = connection
    const settings: Finding = { check: 'settings', result: 'pass', message: url }
    const begun = Date.now()
    const { status, timestamp, checks } = await connection.client.health({ signal })
    const ended = Date.now()
    return [
      settings,
      checkWay(connection, env),
      healthOf(status, checks, ended - begun),
      clockOf(Date.parse(timestamp), begun, ended),
      await checkVersion(connection, version, signal),
      await checkToken(context, connection),
    ]
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SlipwayError) && !(error instanceof CliError)) throw error
    const check = error instanceof SlipwayError ? 'server' : 'settings'
    const { message, hint } = describeError(error, { connection, list: undefined })
    const failed: Finding = { check, result: 'fail', message, ...(hint ? { advice: hint } : {}) }
    return connection === undefined ? [failed] : [checkWay(connection, env), failed]
  }
}

/** How requests get there. */
function checkWay({ url, token }: Connection, env: Context['io']['env']): Finding {
  const check = 'way'
  const { protocol, hostname } = new URL(url)
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const proxy =
    protocol === 'https:' ? env.HTTPS_PROXY || env.https_proxy : env.HTTP_PROXY || env.http_proxy
  if (proxy && !isHere && env.NODE_USE_ENV_PROXY !== '1') {
    return {
      check,
      result: 'warn',
      message: 'A proxy is set in the environment, and is not used',
      advice:
        'Requests go straight to the server. With Node 22.21 or newer, NODE_USE_ENV_PROXY=1 sends them by the proxy.',
    }
  }
  if (protocol === 'http:' && !isHere && token !== undefined) {
    return {
      check,
      result: 'warn',
      message: `The token goes to ${hostname} unencrypted`,
      advice: 'Use https, or a tunnel.',
    }
  }
  return {
    check,
    result: 'pass',
    message: isHere ? 'on this machine' : `by ${protocol.slice(0, -1)}`,
  }
}

function healthOf(status: string, checks: Record<string, string>, ms: number): Finding {
  const check = 'server'
  if (status === 'healthy') {
    return { check, result: 'pass', message: `healthy, answered in ${formatDuration(ms)}` }
  }
  const ill = Object.entries(checks).filter(([, result]) => result === 'fail')
  return {
    check,
    result: status === 'degraded' ? 'warn' : 'fail',
    message: `${status}: ${ill.map(([name]) => name).join(', ')}`,
    advice: 'The log of the server says why.',
  }
}

function clockOf(theirs: number, begun: number, ended: number): Finding {
  const check = 'clock'
  if (Number.isNaN(theirs)) {
    return { check, result: 'warn', message: 'The server does not say what time it is there' }
  }
  // Theirs was read somewhere between.
  const ahead = theirs > ended ? theirs - ended : theirs < begun ? theirs - begun : 0
  const message = `${formatDuration(Math.abs(ahead))} ${ahead < 0 ? 'behind' : 'ahead of'} this machine’s`
  if (Math.abs(ahead) < skewMs) {
    return { check, result: 'pass', message: ahead === 0 ? 'the same as here' : message }
  }
  const advice =
    'Have both machines keep time (NTP): tokens and links end at another time than shown.'
  return { check, result: 'warn', message: `The server’s is ${message}`, advice }
}

async function checkVersion(
  { url }: Connection,
  version: string,
  signal: AbortSignal,
): Promise<Finding> {
  const check = 'version'
  const address = new URL('openapi.json', url.endsWith('/') ? url : `${url}/`)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(describeMs)])
  const theirs = await fetch(address, { signal: limited })
    .then(async (answer) => {
      const { info } = (await answer.json()) as { info?: { version?: unknown } }
      return typeof info?.version === 'string' ? info.version : null
    })
    .catch(() => null)
  if (theirs === null) {
    return { check, result: 'warn', message: `${version} here; the server does not say its own` }
  }
  const isSame = minorOf(theirs) === minorOf(version)
  const message = `${version} here, ${theirs} at the server`
  if (isSame) return { check, result: 'pass', message }
  return { check, result: 'warn', message, advice: 'Use the command of the server’s version.' }
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

async function checkToken(context: Context, connection: Connection): Promise<Finding> {
  const check = 'token'
  const { client, token } = connection
  if (token === undefined) {
    const advice = 'Sign in: slipway login; or set SLIPWAY_TOKEN.'
    return { check, result: 'warn', message: 'None is set', advice }
  }
  try {
    return describeToken(await client.session.get({ signal: context.io.signal }))
  } catch (error) {
    context.io.signal.throwIfAborted()
    const { message, hint } = describeError(error, { connection, list: undefined })
    return { check, result: 'fail', message, ...(hint ? { advice: hint } : {}) }
  }
}

function describeToken({ name, roles, permissions, repositories, expires_at }: Session): Finding {
  const check = 'token'
  const sees = repositories === null ? 'all repositories' : repositories.join(', ') || 'none'
  const until = expires_at === null ? 'without an end' : `until ${formatInstant(expires_at)} UTC`
  const message = `${name}: ${roles.join(', ') || 'no role'} (${permissions.length} permissions), ${sees}, ${until}`
  if (permissions.length === 0) {
    const advice = 'Have somebody with the role admin give you a role.'
    return { check, result: 'warn', message, advice }
  }
  if (expires_at !== null && Date.parse(expires_at) - Date.now() < soonMs) {
    const advice = 'It ends soon: slipway token rotate gives it a new secret and another end.'
    return { check, result: 'warn', message, advice }
  }
  return { check, result: 'pass', message }
}
