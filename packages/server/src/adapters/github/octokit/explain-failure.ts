import { GitHubError } from '../../../ports/github.ts'

/** An answer of GitHub's that is no success. */
export interface RefusedAnswer {
  status: number
  /** By their lower-case names. */
  headers: Readonly<Record<string, string | number | undefined>>
  /** The body as it was read: an object where it was JSON. */
  body: unknown
}

/** Milliseconds to stay away after a limit that does not say for how long, as GitHub's guide asks. */
const defaultPauseMs = 60_000
/** The primary limits are counted by the hour: nothing longer is believed. */
const longestPauseMs = 3_600_000
const longestMessage = 300

/** What an answer means for whoever asked; `what` is what was asked, for the message. */
export function explainFailure(answer: RefusedAnswer, what: string, now: number): GitHubError {
  const { status } = answer
  const why = `${what}: GitHub answered ${status}${said(answer.body)}`
  if (isLimited(answer)) return new GitHubError('limited', why, pauseMs(answer, now))
  if (status === 401 || status === 403) return new GitHubError('refused', why)
  if (status === 404 || status === 410 || status === 451) return new GitHubError('missing', why)
  // 408: it took too long to ask. What is neither of these, nor an error, nobody can have meant.
  const invalid = status >= 400 && status < 500 && status !== 408
  return new GitHubError(invalid ? 'invalid' : 'away', why)
}

/**
 * Both limits answer 403 or 429; the secondary one does not count down. A server that is too busy says when
 * to come back, which is a limit, too.
 */
function isLimited({ status, headers, body }: RefusedAnswer): boolean {
  if (status === 429) return true
  if (status >= 500) return wholeNumber(headers['retry-after']) !== null
  if (status !== 403) return false
  if (headers['retry-after'] !== undefined) return true
  return String(headers['x-ratelimit-remaining']) === '0' || /rate limit/i.test(messageOf(body))
}

function pauseMs({ headers }: RefusedAnswer, now: number): number {
  const after = wholeNumber(headers['retry-after'])
  const reset = wholeNumber(headers['x-ratelimit-reset'])
  const spent = String(headers['x-ratelimit-remaining']) === '0'
  const asked =
    after !== null
      ? after * 1000
      : spent && reset !== null
        ? // Their clock is not ours.
          reset * 1000 - now + 1000
        : defaultPauseMs
  return Math.min(longestPauseMs, Math.max(1000, asked))
}

function wholeNumber(value: string | number | undefined): number | null {
  const text = String(value ?? '').trim()
  return /^\d{1,12}$/.test(text) ? Number(text) : null
}

/** GitHub's own words, with the codes of its validation: `already_exists` and the like. */
function said(body: unknown): string {
  const message = messageOf(body)
  const problems = errorsOf(body)
    .map(({ field, code, message: own }) => own ?? [field, code].filter(Boolean).join(' '))
    .filter(Boolean)
  const text = [message, ...problems].filter(Boolean).join('; ')
  return text === '' ? '' : ` (${printable(text.slice(0, longestMessage))})`
}

/** Whether a validation of GitHub's failed for this reason. */
export function hasErrorCode(body: unknown, code: string): boolean {
  return errorsOf(body).some((error) => error.code === code)
}

interface ValidationError {
  field?: string
  code?: string
  message?: string
}

function errorsOf(body: unknown): ValidationError[] {
  if (typeof body !== 'object' || body === null || !('errors' in body)) return []
  if (!Array.isArray(body.errors)) return []
  return (body.errors as unknown[]).slice(0, 10).map((error) => {
    if (typeof error === 'string') return { message: error }
    if (typeof error !== 'object' || error === null) return {}
    const texts = Object.entries(error).filter(([, value]) => typeof value === 'string')
    return Object.fromEntries(texts)
  })
}

function messageOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('message' in body)) return ''
  return typeof body.message === 'string' ? body.message : ''
}

function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')
}
