import { type Address, contains, type Network, parseAddress, parseNetwork } from './ip-address.ts'

const network = (text: string): Network => {
  const parsed = parseNetwork(text)
  if (parsed === null) throw new Error(`${text} is no network`)
  return parsed
}
const named = (entries: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(entries).flatMap(([kind, texts]) =>
    texts.map((text) => ({ kind, network: network(text) })),
  )

/**
 * What of IPv4 and IPv6 is not the public internet. Sources: IANA's IPv4 and IPv6 Special-Purpose Address
 * Registries; 168.63.129.16 is Azure's metadata and DNS address, which has a public number.
 */
const forbidden = named({
  'this machine': ['127.0.0.0/8', '0.0.0.0/8'],
  'a private network': ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  'link-local, where clouds keep their metadata': ['169.254.0.0/16', '168.63.129.16/32'],
  'shared by a carrier (CGNAT)': ['100.64.0.0/10'],
  multicast: ['224.0.0.0/4'],
  reserved: [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    // Of the global range of IPv6: Teredo and other protocols, documentation, 6to4.
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
  ],
})

/** Where IPv6 is in use at all; what lies outside is loopback, local, multicast or not given out. */
const globalIpv6 = network('2000::/3')
const namedIpv6 = named({
  'this machine': ['::/127'],
  'a private network': ['fc00::/7', 'fec0::/10'],
  'link-local, where clouds keep their metadata': ['fe80::/10'],
  multicast: ['ff00::/8'],
})

/** Both carry an IPv4 address in their last four bytes, and reach it. */
const carriers = [network('::ffff:0:0/96'), network('64:ff9b::/96')]

/** The IPv4 address that an IPv4-mapped or a NAT64 address (RFC 6052) leads to; others are themselves. */
function carried(address: Address): Address {
  return carriers.some((carrier) => contains(carrier, address)) ? address.slice(12) : address
}

/** Why an address is not of the public internet, in a few words; null when it is. */
export function whyNotPublic(text: string): string | null {
  const parsed = parseAddress(text)
  if (parsed === null) return 'no address'
  const address = carried(parsed)
  const found = forbidden.find((entry) => contains(entry.network, address))
  if (found !== undefined) return found.kind
  if (address.length === 4 || contains(globalIpv6, address)) return null
  return namedIpv6.find((entry) => contains(entry.network, address))?.kind ?? 'reserved'
}

/** Whether an address, or the IPv4 address it leads to, is in one of the networks. */
export function isWithin(networks: readonly Network[], text: string): boolean {
  const parsed = parseAddress(text)
  if (parsed === null) return false
  const address = carried(parsed)
  return networks.some((entry) => contains(entry, address) || contains(entry, parsed))
}
