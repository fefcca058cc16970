import { SlipwayError } from './slipway-error.ts'
import type { CallOptions, Transport } from './transport.ts'

export interface DownloadOptions extends CallOptions {
  /** Bytes that are there already: the rest is asked for, if it is still the file with this `etag`. */
  from?: { start: number; etag: string }
}

/** A file that is coming. */
export interface FileDownload {
  /** Of the whole file; null: not said. */
  size: number | null
  /** Where in the file the body begins: 0, unless the rest alone was asked for and is sent. */
  start: number
  etag: string | null
  /** SHA-256 of the whole file, 64 hexadecimal digits; null: not said. */
  sha256: string | null
  /** As the server calls it, without any path. */
  fileName: string | null
  /** To be read or cancelled. */
  body: ReadableStream<Uint8Array>
}

/** One try: who wants the rest of what broke off asks again with `from`. */
export async function downloadFile(
  transport: Transport,
  path: string,
  { from, signal }: DownloadOptions,
): Promise<FileDownload> {
  const response = await transport.open({
    path,
    headers: {
      accept: '*/*',
      ...(from === undefined ? {} : { range: `bytes=${from.start}-`, 'if-range': from.etag }),
    },
    signal,
  })
  const { headers, body } = response
  if (body === null) {
    const message = 'The server answered without a file'
    throw new SlipwayError({ status: response.status, code: 'invalid_response', message })
  }
  return {
    ...placeOf(response),
    etag: headers.get('etag'),
    sha256: sha256Of(headers.get('repr-digest')),
    fileName: fileNameOf(headers.get('content-disposition')),
    body,
  }
}

function placeOf({ status, headers }: Response): { start: number; size: number | null } {
  if (status === 206) {
    const [, start, size] =
      /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
    if (start === undefined || size === undefined) {
      const message = 'The server does not say which part of the file it sends'
      throw new SlipwayError({ status, code: 'invalid_response', message })
    }
    return { start: Number(start), size: Number(size) }
  }
  const length = headers.get('content-length')
  return { start: 0, size: length === null ? null : Number(length) }
}

/** Of `Repr-Digest: sha-256=:<base64>:` (RFC 9530). */
function sha256Of(header: string | null): string | null {
  const base64 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header ?? '')?.[1]
  if (base64 === undefined) return null
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fileNameOf(header: string | null): string | null {
  const name = /filename="((?:[^"\\]|\\.)*)"/.exec(header ?? '')?.[1]?.replace(/\\(.)/g, '$1')
  return name?.split(/[/\\]/).at(-1) ?? null
}
