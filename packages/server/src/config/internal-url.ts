import { InvalidValue, type Parse, publicUrl } from './parse.ts'

/** An address without a path: what servers ask each other is signed with its path. */
export const internalUrl: Parse<string> = (text) => {
  const url = publicUrl(text)
  if (new URL(url).pathname === '/') return url
  throw new InvalidValue('must have no path')
}
