import { InvalidValue, type Parse } from './parse.ts'

/** The highest id that a cluster takes. */
const highestId = 2_147_483_647

/** Name of an object in a cluster (RFC 1123). */
export const objectName: Parse<string> = (text) => {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)) return text
  throw new InvalidValue('must be lower-case letters, digits, "-" and ".", not at an end')
}

/** Such names, separated by commas. */
export const objectNames: Parse<readonly string[]> = (text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
    .map(objectName)

/** `uid` or `uid:gid`; the group is else that of the same number. */
export const userAndGroup: Parse<{ uid: number; gid: number }> = (text) => {
  const [, user, group = user] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text.trim()) ?? []
  const [uid, gid] = [Number(user), Number(group)]
  if (uid <= highestId && gid <= highestId) return { uid, gid }
  throw new InvalidValue('must be a user id, or a user id and a group id such as 1000:1000')
}

const labelPart = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** `name=value` pairs, separated by commas. */
export const nodeLabels: Parse<Readonly<Record<string, string>>> = (text) => {
  const pairs = text.split(',').map((pair) => pair.trim())
  const entries = pairs.filter(Boolean).map((pair) => {
    const [, name = '', value = '\n'] = /^([^=]+)=(.*)$/.exec(pair) ?? []
    const ownName = name.slice(name.lastIndexOf('/') + 1)
    if (ownName !== '' && labelPart.test(ownName) && labelPart.test(value)) return [name, value]
    throw new InvalidValue('must be labels such as disk=ssd,zone=a')
  })
  return Object.fromEntries(entries) as Record<string, string>
}
