import { isUtf8 } from 'node:buffer'
import { brandingLimits } from '@slipway/contract/vocabulary'
import type { ContentKind } from './content-kinds.ts'
import { cssProblem } from './css-problem.ts'
import { sniffBytes } from './sniff-bytes.ts'
import { svgProblem } from './svg-problem.ts'

/** What is known of a file when all of it has come. */
export interface Content {
  head: Buffer
  /** All of it, where it is small enough to be read; null otherwise. */
  whole: Buffer | null
}

/**
 * Finds out from the bytes what a file is. What is text is what it is claimed to be if it can be read
 * as that; `why` then says why not.
 */
export async function judgeContent(
  content: Content,
  claims: ReadonlySet<string>,
): Promise<{ kind: ContentKind; why: string | null }> {
  const sniffed = sniffBytes(content.head)
  if (sniffed !== null) return { kind: sniffed, why: null }
  const { whole } = content
  if (whole === null) {
    const why = `text of more than ${brandingLimits.textAssetBytes} bytes is not read`
    return { kind: 'application/octet-stream', why }
  }
  if (whole.length === 0 || whole.includes(0) || !isUtf8(whole)) {
    return { kind: 'application/octet-stream', why: null }
  }
  const text = whole.toString().replace(/^\ufeff/, '')
  if (isJson(text)) return { kind: 'application/json', why: null }
  const isMarkup = /^\s*</.test(text)
  if (isMarkup || claims.has('image/svg+xml')) {
    const why = await svgProblem(text)
    if (why === null) return { kind: 'image/svg+xml', why }
    if (claims.has('image/svg+xml')) return { kind: 'text/plain', why }
  }
  if (claims.has('text/css')) {
    const why = cssProblem(text)
    return { kind: why === null ? 'text/css' : 'text/plain', why }
  }
  return { kind: 'text/plain', why: null }
}

/** An object or a list, as manifests and themes are. */
function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
