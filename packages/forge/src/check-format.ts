import { compileBranchGlob, compileBranchRegex } from './branch-patterns.ts'
import { type DurationBounds, parseDuration, timeoutBounds } from './duration.ts'
import { limits } from './limits.ts'

/** Bounds of an approval's validity: 1 minute to 30 days. */
export const expiryBounds: DurationBounds = { minMs: 60_000, maxMs: 720 * 3_600_000 }

const imageSyntax =
  /^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

const formats: Record<string, (text: string, directory: string) => string | null> = {
  timeout: (text) => reasonOf(() => parseDuration(text, timeoutBounds)),
  expiry: (text) => reasonOf(() => parseDuration(text, expiryBounds)),
  'branch-regex': (text) => reasonOf(() => compileBranchRegex(text)),
  'branch-glob': (text) => {
    if (/[?[\]{}\\\s]/.test(text)) return 'may have only * and ** as wildcards'
    return reasonOf(() => compileBranchGlob(text))
  },
  image: (text) =>
    text.length <= 500 && imageSyntax.test(text)
      ? null
      : `must be an image reference such as node:20 or ghcr.io/owner/image:1.2, not ${JSON.stringify(text.slice(0, 60))}`,
  script: (text) =>
    Buffer.byteLength(text) <= limits.scriptBytes
      ? null
      : `must be a script of at most ${limits.scriptBytes / 1024} KiB; put a longer one into a file`,
  path: (text, directory) => {
    if (text.startsWith('/') || text.startsWith('-')) {
      return `must be a path relative to the project's directory, not ${JSON.stringify(text.slice(0, 60))}`
    }
    return leavesRepository(directory, text) ? 'must be a path inside of the repository' : null
  },
}

/**
 * Why a text is not what a schema's `format` asks for, as the rest of a sentence, or null.
 * `directory` is the project's, relative to the root.
 */
export function checkFormat(format: string, text: string, directory: string): string | null {
  const check = formats[format]
  if (check === undefined) throw new TypeError(`no such format: ${format}`)
  return check(text, directory)
}

function leavesRepository(directory: string, path: string): boolean {
  let depth = 0
  for (const segment of [...directory.split('/'), ...path.split('/')]) {
    if (segment === '..') depth -= 1
    else if (segment !== '' && segment !== '.') depth += 1
    if (depth < 0) return true
  }
  return false
}

function reasonOf(parse: () => unknown): string | null {
  try {
    parse()
    return null
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return error.message
    throw error
  }
}
