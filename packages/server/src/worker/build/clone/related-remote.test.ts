import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GitRemote } from '../../../git/index.ts'
import { relatedRemote } from './related-remote.ts'

const login = { kind: 'password', username: 'bob', password: 'hunter22' } as const
const https: GitRemote = {
  url: 'https://git.test/acme/shop.git',
  login,
  hostKeys: null,
  keptFor: 'credential 1',
}
const key = { kind: 'key', privateKey: 'k', passphrase: null } as const
const ssh: GitRemote = { url: 'ssh://git@git.test/acme/shop.git', login: key, hostKeys: 'known' }

describe('relatedRemote', () => {
  it.each([
    ['https://git.test/acme/shop.git', '../lib.git', 'https://git.test/acme/lib.git'],
    ['https://git.test/acme/shop.git/', './lib', 'https://git.test/acme/shop.git/lib'],
    ['https://git.test/acme/shop.git', '../../other/lib', 'https://git.test/other/lib'],
    ['git@git.test:acme/shop.git', '../lib.git', 'git@git.test:acme/lib.git'],
    ['git@git.test:shop.git', '../lib.git', 'git@git.test:lib.git'],
    ['ssh://git@git.test:2222/acme/shop', '../lib', 'ssh://git@git.test:2222/acme/lib'],
    ['file:///srv/git/acme/shop.git', '../../other/lib.git', 'file:///srv/git/other/lib.git'],
  ])('of %s, %s is %s', (url, relative, expected) => {
    const found = relatedRemote({ url, login: key }, relative)
    expect(found).toEqual({ ok: true, remote: { url: expected, login: key } })
  })

  it('gives what opens the repository to the same place alone', () => {
    const same = relatedRemote(https, 'https://GIT.test/other/lib.git')
    expect(same).toMatchObject({ ok: true, remote: { login, keptFor: 'credential 1' } })
    for (const url of [
      'https://git.test.evil.test/x.git',
      'https://git.test:8443/x.git',
      'http://git.test/x.git',
      'https://other.test/git.test/x.git',
    ]) {
      expect(relatedRemote(https, url)).toEqual({ ok: true, remote: { url } })
    }
  })

  it('takes no part of a path for the host', () => {
    for (const parent of [https, ssh]) {
      for (const url of ['evil.test:x@git.test:lib.git', 'git@evil.test:x@git.test:lib.git']) {
        expect(relatedRemote(parent, url)).toEqual({
          ok: false,
          problem: 'it is at evil.test by SSH, for which this build has no key',
        })
      }
    }
  })

  it('reaches the host of the repository as the repository was reached', () => {
    for (const url of ['git@git.test:acme/lib.git', 'ssh://git@git.test/acme/lib.git']) {
      expect(relatedRemote(https, url)).toEqual({
        ok: true,
        remote: { ...https, url: 'https://git.test/acme/lib.git' },
      })
    }
    expect(relatedRemote(ssh, 'git@git.test:acme/lib.git')).toMatchObject({
      ok: true,
      remote: { login: key, hostKeys: 'known' },
    })
    expect(relatedRemote(ssh, 'https://git.test/acme/lib.git')).toEqual({
      ok: true,
      remote: { url: 'https://git.test/acme/lib.git' },
    })
  })

  it.each([
    [https, 'git@other.test:x.git', 'for which this build has no key'],
    [https, 'ssh://git@git.test:2222/x.git', 'for which this build has no key'],
    [ssh, 'git@other.test:x.git', 'for which this build has no key'],
    [https, 'file:///etc/x.git', 'file: URLs are for submodules of repositories'],
    [https, '../../../x.git', 'leads above the root'],
    [https, '../..', 'leads above the root'],
    [https, 'https://bob:hunter22@git.test/x.git', 'must not hold a user name or password'],
    [https, 'ext::sh -c touch% /tmp/x', 'must not hold blanks'],
    [https, 'ext::sh', 'is neither a URL'],
    [https, '-oProxyCommand=x', 'is neither a URL'],
    [https, 'git://git.test/x.git', 'must begin with'],
    [https, '/srv/git/x.git', 'is neither a URL'],
    [https, '', 'is neither a URL'],
  ])('of %o, refuses %s', (parent, url, problem) => {
    const found = relatedRemote(parent, url)
    expect(found).toMatchObject({ ok: false })
    expect(JSON.stringify(found)).toContain(problem)
  })

  it('never gives the login to another host, whatever the URL', () => {
    const url = fc.oneof(
      fc.webUrl(),
      fc.string(),
      fc
        .tuple(fc.constantFrom('https://', 'ssh://git@', 'git@', 'http://', ''), fc.string())
        .map((parts) => parts.join('')),
      fc.tuple(fc.constantFrom('../', './', '..'), fc.string()).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(url, fc.constantFrom(https, ssh), (related, parent) => {
        const found = relatedRemote(parent, related)
        if (!found.ok || (found.remote.login ?? null) === null) return
        const { url: to } = found.remote
        const host = to.includes('://') ? new URL(to).hostname : /@([^:]+):/.exec(to)?.[1]
        expect(host).toBe('git.test')
      }),
    )
  })
})
