import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contains, parseAddress, parseNetwork } from './ip-address.ts'
import { isWithin, whyNotPublic } from './judge-address.ts'

const byte = fc.integer({ min: 0, max: 255 })
const ipv4 = fc.tuple(byte, byte, byte, byte)

/** Networks that no webhook may reach, as first address and prefix. */
const notPublic = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '255.255.255.255/32',
  '168.63.129.16/32',
]
const notPublicIpv6 = [
  '::/128',
  '::1/128',
  '::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fd00:ec2::254/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '3fff::/20',
]

/** Any address of the network: its prefix, then any bits. */
function within(text: string) {
  const network = parseNetwork(text)!
  const { address, bits } = network
  return fc.array(byte, { minLength: address.length, maxLength: address.length }).map((random) =>
    address.map((start, index) => {
      const kept = Math.min(8, Math.max(0, bits - index * 8))
      const mask = (0xff << (8 - kept)) & 0xff
      return (start & mask) | (random[index]! & ~mask & 0xff)
    }),
  )
}

const dotted = (bytes: readonly number[]) => bytes.join('.')
const hex = (bytes: readonly number[]) => Buffer.from(bytes).toString('hex')
const groups = (bytes: readonly number[]) => hex(bytes).match(/.{4}/g)!

/** Ways in which a URL can say an IPv4 address; its parser makes one of them all. */
const ipv4Notations: readonly ((bytes: readonly number[]) => string)[] = [
  dotted,
  (bytes) => String(Buffer.from(bytes).readUInt32BE()),
  (bytes) => `0x${hex(bytes)}`,
  (bytes) => bytes.map((one) => `0${one.toString(8)}`).join('.'),
  (bytes) => bytes.map((one) => `0x${one.toString(16)}`).join('.'),
  ([a, b, c, d]) => `${a}.${b}.${c! * 256 + d!}`,
  ([a, b, c, d]) => `${a}.${b! * 65_536 + c! * 256 + d!}`,
  (bytes) => `[::ffff:${dotted(bytes)}]`,
  (bytes) => `[::ffff:${groups(bytes).join(':')}]`,
  (bytes) => `[0:0:0:0:0:FFFF:${groups(bytes).join(':')}]`,
  (bytes) => `[64:ff9b::${dotted(bytes)}]`,
  (bytes) => `[0064:ff9b:0:0:0:0:${groups(bytes).join(':')}]`,
  (bytes) => `[2002:${groups(bytes).join(':')}::]`,
  (bytes) => `[::${dotted(bytes)}]`,
]
const ipv6Notations: readonly ((bytes: readonly number[]) => string)[] = [
  (bytes) => `[${groups(bytes).join(':')}]`,
  (bytes) => `[${groups(bytes).join(':').toUpperCase()}]`,
  (bytes) => `[${groups(bytes.slice(0, 12)).join(':')}:${dotted(bytes.slice(12))}]`,
]

const hostOf = (notation: string) =>
  new URL(`http://${notation}/`).hostname.replace(/^\[(.*)\]$/, '$1')

describe('an address that is not public', () => {
  it.each(notPublic)('of %s is refused in every notation', (network) => {
    fc.assert(
      fc.property(within(network), fc.constantFrom(...ipv4Notations), (bytes, notation) => {
        expect(whyNotPublic(hostOf(notation(bytes)))).not.toBeNull()
      }),
    )
  })

  it.each(notPublicIpv6)('of %s is refused in every notation', (network) => {
    fc.assert(
      fc.property(within(network), fc.constantFrom(...ipv6Notations), (bytes, notation) => {
        const host = hostOf(notation(bytes))
        // ::a.b.c.d and the like belong to no range in use.
        expect(whyNotPublic(host)).not.toBeNull()
      }),
    )
  })

  it.each([
    ['127.0.0.1', 'this machine'],
    ['::1', 'this machine'],
    ['::ffff:10.1.2.3', 'a private network'],
    ['fd00:ec2::254', 'a private network'],
    ['169.254.169.254', 'link-local, where clouds keep their metadata'],
    ['100.100.100.200', 'shared by a carrier (CGNAT)'],
    ['ff02::1', 'multicast'],
    ['fe80::1%eth0', 'no address'],
    ['example.com', 'no address'],
    ['', 'no address'],
  ])('%s is %s', (address, why) => {
    expect(whyNotPublic(address)).toBe(why)
  })
})

describe('an address that is public', () => {
  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::',
    '2003::',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('%s is let through', (address) => {
    expect(whyNotPublic(address)).toBeNull()
  })

  it('leads to the same judgement by way of IPv6', () => {
    fc.assert(
      fc.property(ipv4, (bytes) => {
        const judged = whyNotPublic(dotted(bytes))
        expect(whyNotPublic(`::ffff:${dotted(bytes)}`)).toBe(judged)
        expect(whyNotPublic(`64:ff9b::${groups(bytes).join(':')}`)).toBe(judged)
      }),
    )
  })
})

describe('networks', () => {
  it('hold what begins with their bits, and nothing else', () => {
    fc.assert(
      fc.property(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), (start, other, bits) => {
        const number = (bytes: readonly number[]) => BigInt(`0x${hex(bytes)}`)
        const shift = BigInt(32 - bits)
        const same = number(start) >> shift === number(other) >> shift
        expect(contains({ address: start, bits }, other)).toBe(same)
      }),
    )
  })

  it('are allowed by either form of an address', () => {
    const networks = ['127.0.0.0/8', 'fd00::/8'].map((text) => parseNetwork(text)!)
    expect(isWithin(networks, '127.1.2.3')).toBe(true)
    expect(isWithin(networks, '::ffff:127.0.0.1')).toBe(true)
    expect(isWithin(networks, 'fd12::1')).toBe(true)
    expect(isWithin(networks, '10.0.0.1')).toBe(false)
    expect(isWithin(networks, 'localhost')).toBe(false)
  })

  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0/8', 'x', '1.2.3.4/-1'])(
    'are not written %s',
    (text) => {
      expect(parseNetwork(text)).toBeNull()
    },
  )

  it('read every address that the platform takes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        expect(parseAddress(text)).toHaveLength(isIPv4(text) ? 4 : 16)
      }),
    )
  })
})
