import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { InvalidValue, type Parse } from './parse.ts'

/** A token or the like: it travels in a header. */
export const headerSecret: Parse<string> = (text) => {
  if (/^[\u0021-\u007e]+$/.test(text)) return text
  throw new InvalidValue('may only hold printable ASCII characters, without spaces')
}

/** The number of a GitHub App, or its client id. */
export const appId: Parse<string> = (text) => {
  if (/^[A-Za-z0-9.]{1,64}$/.test(text)) return text
  throw new InvalidValue('is neither the number of a GitHub App nor its client id')
}

/** An RSA key as PEM, or the path of a file that holds one. Line breaks may be written as `\n`. */
export const appPrivateKey: Parse<string> = (text) => {
  const pem = text.includes('-----BEGIN') ? text.replaceAll('\\n', '\n') : readKeyFile(text)
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new InvalidValue('is no private key in PEM')
  }
  if (key.asymmetricKeyType !== 'rsa') throw new InvalidValue('is no RSA key')
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InvalidValue(
      `is neither a key in PEM nor a file that can be read (${code ?? 'unknown error'})`,
    )
  }
}

/** Patterns such as `acme/*`, separated by commas; `*` alone stands for every repository. */
export const repositoryPatterns: Parse<readonly string[]> = (text) => {
  const patterns = text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter(Boolean)
  for (const pattern of patterns) {
    if (pattern !== '*' && !/^[A-Za-z0-9._*-]+\/[A-Za-z0-9._*-]+$/.test(pattern)) {
      throw new InvalidValue(`${JSON.stringify(pattern)} is not a pattern such as acme/*`)
    }
  }
  return patterns
}

/** Names such as `acme/shop`, separated by commas. */
export const repositoryNames: Parse<readonly string[]> = (text) => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  for (const name of names) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/.test(name)) {
      throw new InvalidValue(
        `${JSON.stringify(name)} is not the name of a repository as owner/name`,
      )
    }
  }
  return names
}

/** The address of a server of the Model Context Protocol, as it is. */
export const mcpUrl: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidValue('is no http or https URL')
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('holds a credential: that belongs in GITHUB_MCP_TOKEN')
  }
  return text
}

/**
 * The words of a command line: separated by spaces, but for what stands in quotes of either kind or behind
 * a backslash. No shell ever sees them: nothing else has a meaning.
 */
export const commandLine: Parse<readonly string[]> = (text) => {
  const pattern = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+|\S/gs
  const words = (text.match(pattern) ?? []).map(unquote)
  if (words.length === 0) throw new InvalidValue('names no command')
  if (/\b(gh[pousr]_|github_pat_)/.test(text)) {
    throw new InvalidValue('holds a token, which every user could see: use GITHUB_MCP_TOKEN')
  }
  return words
}

function unquote(word: string): string {
  if (/^["'\\]$/.test(word)) throw new InvalidValue('has a quote that is not closed')
  return word.replaceAll(
    /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs,
    (_, escaped?: string, double?: string, single?: string) =>
      escaped ?? single ?? (double ?? '').replaceAll(/\\(["\\])/g, '$1'),
  )
}
