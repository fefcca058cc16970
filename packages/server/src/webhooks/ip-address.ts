import { isIPv4, isIPv6 } from 'node:net'

/** The 4 or 16 bytes of an address. */
export type Address = readonly number[]

/** A network: the leading `bits` of an address. */
export interface Network {
  address: Address
  bits: number
}

/**
 * Reads an IPv4 address in its dotted form or an IPv6 address in any of its forms; null for everything
 * else. The short, octal and hexadecimal forms of IPv4 are none: a URL's parser has undone them.
 */
export function parseAddress(text: string): Address | null {
  if (isIPv4(text)) return text.split('.').map(Number)
  // A zone names an interface of this machine: no address of the internet has one.
  if (!isIPv6(text) || text.includes('%')) return null
  const [head = '', tail] = text.split('::')
  const before = bytesOf(head)
  const behind = tail === undefined ? [] : bytesOf(tail)
  const zeros = Array<number>(16 - before.length - behind.length).fill(0)
  return [...before, ...zeros, ...behind]
}

/** Reads `10.0.0.0/8` or one address; null for everything else. */
export function parseNetwork(text: string): Network | null {
  const [start = '', prefix, ...rest] = text.split('/')
  const address = parseAddress(start)
  if (address === null || rest.length > 0) return null
  const bits = prefix === undefined ? address.length * 8 : Number(prefix)
  const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix)
  return isPrefix && bits <= address.length * 8 ? { address, bits } : null
}

export function contains(network: Network, address: Address): boolean {
  if (network.address.length !== address.length) return false
  const whole = network.bits >> 3
  const rest = network.bits & 7
  for (let index = 0; index < whole; index++) {
    if (network.address[index] !== address[index]) return false
  }
  const mask = (0xff << (8 - rest)) & 0xff
  return ((network.address[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask)
}

function bytesOf(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
