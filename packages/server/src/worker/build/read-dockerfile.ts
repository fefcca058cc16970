import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { AppError } from '../../errors.ts'

/** Bytes that a Dockerfile or `.dockerignore` may have. */
const maxBytes = 1024 * 1024

/** The Dockerfile of a tree; AppError `invalid_request` says why there is none that could be used. */
export async function readDockerfile(directory: string, name: string): Promise<string> {
  const text = await readSmall(directory, name)
  if (text !== null) return text
  throw new AppError(
    'invalid_request',
    `There is no ${name} in the repository: build_image builds an image from it`,
  )
}

/**
 * A small file of a tree, through links that stay within it; null when it is not there. AppError
 * `invalid_request` when it leads out of the tree, is no file, or is too large.
 */
export async function readSmall(directory: string, name: string): Promise<string | null> {
  const refuse = (why: string) => new AppError('invalid_request', `${name} ${why}`)
  let path: string
  try {
    path = await realpath(join(directory, name))
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP') throw refuse('is a link to itself')
    throw error
  }
  if (!path.startsWith(`${await realpath(directory)}${sep}`)) {
    throw refuse('is a link that leads out of the repository')
  }
  const file = await open(path)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw refuse('is not a file')
    if (stat.size > maxBytes) throw refuse(`has more than ${maxBytes} bytes`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Names of the arguments that a Dockerfile declares by `ARG`, before or after a `FROM`. Takes time linear
 * in the text, whatever it is.
 */
export function declaredArguments(dockerfile: string): ReadonlySet<string> {
  const escape = escapeOf(dockerfile)
  const names = new Set<string>()
  let line = ''
  for (const raw of dockerfile.split(/\r?\n/)) {
    // A comment may stand between the lines of one instruction.
    if (/^\s*#/.test(raw)) continue
    const text = raw.trimEnd()
    if (text.endsWith(escape)) {
      line += `${text.slice(0, -1)} `
      continue
    }
    for (const name of argumentsOf(line + text)) names.add(name)
    line = ''
  }
  for (const name of argumentsOf(line)) names.add(name)
  return names
}

/** What `# escape=` says, among the directives before the first instruction or other comment. */
function escapeOf(dockerfile: string): string {
  const seen = new Set<string>()
  for (const line of dockerfile.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name = '', value = ''] = /^\s*#\s*([A-Za-z]\w*)\s*=\s*(\S.*)$/.exec(line) ?? []
    const key = name.toLowerCase()
    if (key === 'escape') return value.trim() === '`' ? '`' : '\\'
    if (key === '' || seen.has(key)) break
    seen.add(key)
  }
  return '\\'
}

/** `ARG a b=1 c="x y"` declares three. */
function argumentsOf(line: string): string[] {
  const rest = /^\s*ARG\s+(.*)$/i.exec(line)?.[1]
  if (rest === undefined) return []
  return wordsOf(rest).flatMap((word) => /^([A-Za-z_][A-Za-z0-9_]*)(?:=|$)/.exec(word)?.[1] ?? [])
}

/** Parts of a text between blanks that are in no quotes; what is quoted last may be left open. */
function wordsOf(text: string): string[] {
  const words: string[] = []
  let start = 0
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"') at += 1
    } else if (char === '"' || char === "'") quote = char
    else if (/\s/.test(char)) {
      if (at > start) words.push(text.slice(start, at))
      start = at + 1
    }
  }
  if (start < text.length) words.push(text.slice(start))
  return words
}
