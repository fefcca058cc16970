import { readFile } from 'node:fs/promises'
import { AppError, StartupError } from '../../errors.ts'

/** The token that a worker comes with. */
export interface WorkerToken {
  current(): string
  /** Reads it anew where it is in a file; whether it is another one now. */
  reload(): Promise<boolean>
}

/** Bytes; tokens of issuers have some thousands. */
const mostBytes = 64 * 1024

/** `StartupError` where there is none, or it can be no token. */
export async function openWorkerToken(input: {
  token: string | null
  file: string | null
}): Promise<WorkerToken> {
  const { file } = input
  if (input.token !== null && file !== null) {
    throw new StartupError('SLIPWAY_WORKER_TOKEN and SLIPWAY_WORKER_TOKEN_FILE: give one of them')
  }
  if (file === null) {
    const token = input.token?.trim() ?? ''
    if (token === '') {
      throw new StartupError(
        'A worker needs the token of a service account: SLIPWAY_WORKER_TOKEN or SLIPWAY_WORKER_TOKEN_FILE',
      )
    }
    requireToken(token, 'SLIPWAY_WORKER_TOKEN')
    return { current: () => token, reload: async () => false }
  }
  let token = await readToken(file)
  return {
    current: () => token,
    async reload() {
      const before = token
      // One that is just being written is read the next time.
      token = await readToken(file).catch(() => before)
      return token !== before
    },
  }
}

async function readToken(file: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).slice(0, mostBytes).trim()
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new StartupError(`SLIPWAY_WORKER_TOKEN_FILE (${file}): cannot be read (${why})`)
  }
  requireToken(text, `SLIPWAY_WORKER_TOKEN_FILE (${file})`)
  return text
}

/** What a header can hold; the message shows nothing of it. */
function requireToken(text: string, name: string): void {
  if (/^[\x21-\x7e]+$/.test(text)) return
  throw new StartupError(`${name}: is no token: it must be printable ASCII without blanks`)
}

/** Whether an answer says that the token is of no use any more. */
export function isTokenRefused(error: unknown): boolean {
  return (
    error instanceof AppError &&
    (error.code === 'authentication_failed' || error.code === 'authorization_failed')
  )
}
