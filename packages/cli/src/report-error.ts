import { SlipwayError } from '@slipway/sdk'
import { CliError } from './cli-error.ts'
import type { Connection } from './context.ts'
import { exitCodes } from './exit-codes.ts'

export interface ErrorReport {
  code: string
  message: string
  /** The next step. */
  hint: string | undefined
  details?: Record<string, unknown> | undefined
  requestId?: string | undefined
  exitCode: number
}

/** In which an error came about. */
export interface Circumstances {
  connection: Connection | undefined
  /** The command that lists what was asked for by a name or id. */
  list: string | undefined
}

/** What to tell a person of an error, and how to end. */
export function describeError(error: unknown, circumstances: Circumstances): ErrorReport {
  if (error instanceof CliError) {
    const { message, hint, exitCode } = error
    return { code: 'usage', message, hint, exitCode }
  }
  if (error instanceof SlipwayError) return describeAnswer(error, circumstances)
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'internal_error', message, hint: undefined, exitCode: exitCodes.failed }
}

function describeAnswer(error: SlipwayError, circumstances: Circumstances): ErrorReport {
  const { code, message, details, requestId } = error
  const exitCode = error.status === 0 ? exitCodes.unreachable : exitCodes.refused
  return { code, message, details, requestId, exitCode, hint: hintFor(error, circumstances) }
}

/** Somebody else must do something before a deployment is let through. */
function approvalHint({ details }: SlipwayError): string | undefined {
  const reasons = ['missing', 'too_few', 'expired', 'revoked', 'self_approval']
  if (typeof details?.reason !== 'string' || !reasons.includes(details.reason)) return undefined
  const { environment } = details
  if (typeof environment !== 'string') return undefined
  return `Who may approve does it with: slipway approve PROJECT RELEASE --to ${environment} --reason '…'`
}

function hintFor(error: SlipwayError, { connection, list }: Circumstances): string | undefined {
  const url = connection?.url ?? 'the server'
  const approval = approvalHint(error)
  if (approval !== undefined) return approval
  switch (error.code) {
    case 'network_error':
    case 'timeout':
      return (
        `Is a server running at ${url}? Start one on this machine with \`slipway serve\`, ` +
        'or say where yours is: --url, SLIPWAY_URL, or the configuration file.'
      )
    case 'invalid_response':
      return `Is ${url} a Slipway server? A proxy in front of it may answer in its place.`
    case 'authentication_failed':
      if (connection?.login !== undefined) return `Sign in again: slipway login --url ${url}`
      return connection?.token !== undefined
        ? `The token is unknown, revoked or expired. Sign in: slipway login --url ${url}, or set another SLIPWAY_TOKEN; \`slipway token create\` makes one.`
        : `No token was given. Sign in: slipway login --url ${url}, or set SLIPWAY_TOKEN. The first start of a server prints one and keeps it in \`admin-token\` in its data directory.`
    case 'authorization_failed':
      return 'Roles or repositories of the token do not suffice; `slipway whoami` shows what it has.'
    case 'resource_conflict':
      if (typeof error.details?.run_id === 'string') {
        return `See what is there: slipway run show ${error.details.run_id}`
      }
      return typeof error.details?.release_id === 'string'
        ? `See what is there: slipway release show ${error.details.release_id}`
        : undefined
    case 'invalid_request':
      return list !== undefined && error.message.startsWith('The path is not valid')
        ? `See which there are: ${list}`
        : undefined
    case 'resource_not_found':
      return list === undefined ? undefined : `See which there are: ${list}`
    case 'limit_exceeded':
      return 'Wait a little, and try again.'
    case 'unavailable':
      return 'See what is not well: slipway health'
    case 'internal_error':
      return 'The log of the server says more, under the id of the request.'
    default:
      return undefined
  }
}
