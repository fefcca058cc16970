import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../../errors.ts'

export interface RegistryAccess {
  /** Without a slash at its end. */
  registry: string
  /** Null: none is sent. */
  token: string | null
}

interface RegistryRequest {
  method: 'GET' | 'PUT'
  /** Begins with a slash. */
  path: string
  /** JSON around an attachment that is written as base64. */
  body?: { head: string; attachmentBytes: number; tail: string; attachment: () => Readable }
}

/** Milliseconds without a byte in either direction. */
const silenceMs = 60_000
/**
 * Of an answer, which is whole in memory, and more than once when it is parsed. Documents of packages
 * with thousands of versions have some megabytes in the form that is asked for.
 */
const maxAnswerBytes = 24 * 1024 * 1024
/** The form that installers read: versions and what is needed of them. Others answer with all. */
const accept = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8'

/**
 * One request to an npm registry. Redirects are not followed: the token is for this host alone.
 * AppError `unavailable` when there is no answer; any status is an answer.
 */
export async function requestRegistry(
  access: RegistryAccess,
  input: RegistryRequest,
  signal: AbortSignal,
): Promise<{ status: number; json: unknown }> {
  const url = new URL(access.registry + input.path)
  const { body } = input
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const length =
    body === undefined
      ? 0
      : Buffer.byteLength(body.head) + body.attachmentBytes + Buffer.byteLength(body.tail)
  const request = send(url, {
    method: input.method,
    signal,
    timeout: silenceMs,
    headers: {
      accept: input.method === 'GET' ? accept : 'application/json',
      ...(access.token === null ? {} : { authorization: `Bearer ${access.token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(length) }),
    },
  })
  request.once('timeout', () => request.destroy(new Error('no byte for too long')))
  const answered = readAnswer(request)
  // Rejections are looked at below, in the order that tells most.
  answered.catch(() => {})
  const source = body === undefined ? Readable.from([]) : Readable.from(bodyOf(body))
  const sent = pipeline(source, request, { end: true }).then(
    () => null,
    (error: unknown) => error,
  )
  try {
    const answer = await answered
    await sent
    return answer
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    const why = (error as NodeJS.ErrnoException).code ?? 'no answer'
    throw new AppError('unavailable', `The npm registry ${url.host} cannot be reached (${why})`)
  } finally {
    request.destroy()
  }
}

function readAnswer(
  request: ReturnType<typeof requestHttp>,
): Promise<{ status: number; json: unknown }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxAnswerBytes) {
          reject(new AppError('unavailable', 'The npm registry answers with too much'))
          response.destroy()
        } else parts.push(chunk)
      })
      response.once('error', reject)
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, json: parse(Buffer.concat(parts)) })
      })
    })
  })
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return null
  }
}

async function* bodyOf(body: NonNullable<RegistryRequest['body']>): AsyncIterable<string> {
  yield body.head
  let rest = Buffer.alloc(0)
  for await (const chunk of body.attachment() as AsyncIterable<Buffer>) {
    const bytes = Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % 3)
    yield bytes.toString('base64', 0, whole)
    rest = bytes.subarray(whole)
  }
  yield rest.toString('base64')
  yield body.tail
}
