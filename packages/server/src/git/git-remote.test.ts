import { describe, expect, it } from 'vitest'
import { parseRemoteUrl } from './git-remote.ts'

describe('parseRemoteUrl', () => {
  it.each([
    ['https://git.test/acme/shop.git', 'https'],
    ['http://127.0.0.1:8080/shop.git', 'http'],
    ['ssh://git@git.test:2222/acme/shop.git', 'ssh'],
    ['ssh://[::1]:2222/srv/shop.git', 'ssh'],
    ['file:///srv/git/shop.git', 'file'],
    ['git@github.com:user/open-webui.git', 'ssh'],
    ['git.test:shop.git', 'ssh'],
  ])('takes %s', (url, protocol) => {
    expect(parseRemoteUrl(url)).toEqual({ ok: true, protocol })
  })

  it.each([
    ['ext::sh -c touch% /tmp/x', 'blanks'],
    ['ext::sh', 'neither'],
    ['-oProxyCommand=x:y', 'neither'],
    ['ssh://-oProxyCommand=x/y', 'host'],
    ['git@-host:x', 'neither'],
    ['git@git.test:-x', 'neither'],
    ['/srv/git/shop.git', 'neither'],
    ['git://git.test/shop.git', 'begin with'],
    ['https://bob:hunter2@git.test/shop.git', 'credential'],
    ['https://bob@git.test/shop.git', 'credential'],
    ['https://git.test/shop.git?token=x', 'query'],
    ['https://git.test/', 'repository'],
    ['https:///shop.git', 'repository'],
    ['file://host/shop.git', 'host'],
    ['https://git.test/a\nb', 'blanks'],
  ])('refuses %j and says why', (url, why) => {
    const parsed = parseRemoteUrl(url)
    expect(parsed.ok).toBe(false)
    expect(parsed).toMatchObject({ problem: expect.stringContaining(why) })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  })
})
