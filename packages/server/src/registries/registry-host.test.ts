import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isForRegistry, parseRegistryHost, registryOrigin } from './registry-host.ts'

const plain = ['registry.lan:5000']

describe('parseRegistryHost', () => {
  it.each([
    ['docker.io', 'docker.io'],
    ['https://registry-1.docker.io/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['GHCR.io', 'ghcr.io'],
    ['https://quay.io', 'quay.io'],
    ['registry.example.org:5000', 'registry.example.org:5000'],
    ['registry:5000', 'registry:5000'],
    ['127.0.0.1:5000', '127.0.0.1:5000'],
    ['http://127.0.0.1:5000', '127.0.0.1:5000'],
    ['http://localhost:5000/', 'localhost:5000'],
    ['localhost', 'localhost'],
    ['[::1]:5000', '[::1]:5000'],
    ['http://registry.lan:5000', 'registry.lan:5000'],
  ])('reads %s', (text, host) => {
    expect(parseRegistryHost(text, plain)).toEqual({ ok: true, host })
  })

  it.each([
    ['ftp://a.test', 'https://'],
    ['https://bob:hunter2@a.test', 'credential'],
    ['bob@a.test', 'credential'],
    ['a.test/team', 'namespace'],
    ['https://a.test/?x', 'nothing more'],
    ['http://a.test', 'OCI_PLAIN_HTTP'],
    ['http://registry.lan', 'OCI_PLAIN_HTTP'],
    ['registry', 'a dot'],
    ['a b', 'host'],
    ['-a.test', 'host'],
    ['a_b.test', 'host'],
    ['a.test:99999', 'host'],
    ['', 'host'],
  ])('refuses %j', (text, word) => {
    const parsed = parseRegistryHost(text, plain)
    expect(parsed).toEqual({ ok: false, problem: expect.stringContaining(word) })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  })

  it('answers what is read as the same again, or a problem', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.domain(), fc.string()), (text) => {
        const parsed = parseRegistryHost(text, plain)
        if (parsed.ok) expect(parseRegistryHost(parsed.host, plain)).toEqual(parsed)
      }),
    )
  })
})

describe('registryOrigin', () => {
  it.each([
    ['docker.io', 'https://registry-1.docker.io'],
    ['ghcr.io', 'https://ghcr.io'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['registry.lan:5000', 'http://registry.lan:5000'],
    ['registry.lan:5001', 'https://registry.lan:5001'],
  ])('of %s is %s', (host, origin) => expect(registryOrigin(host, plain)).toBe(origin))
})

describe('isForRegistry', () => {
  it.each([
    ['https://registry-1.docker.io', 'docker.io', null, true],
    ['https://quay.io', 'quay.io', 'team', true],
    ['https://quay.io', 'quay.io.evil.test', null, false],
    ['https://a.test/v2/', 'a.test', null, true],
    ['https://a.test/team', 'a.test', 'team/web', true],
    ['https://a.test/team', 'a.test', 'teams', false],
    ['https://a.test/team', 'a.test', null, false],
    ['https://a.test:5000', 'a.test', null, false],
    ['a.test:5000', 'a.test:5000', null, true],
    ['::', 'a.test', null, false],
  ])('%s for %s and %s: %s', (url, host, namespace, expected) => {
    expect(isForRegistry(url, { host, namespace })).toBe(expected)
  })
})
