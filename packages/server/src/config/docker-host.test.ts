import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeDockerHost, parseDockerHost } from './docker-host.ts'

describe('parseDockerHost', () => {
  it.each([
    ['unix:///var/run/docker.sock', { kind: 'unix', socketPath: '/var/run/docker.sock' }],
    ['tcp://127.0.0.1:2375', { kind: 'tcp', host: '127.0.0.1', port: 2375 }],
    ['tcp://docker.example.test:80/', { kind: 'tcp', host: 'docker.example.test', port: 80 }],
    ['tcp://[::1]:2376', { kind: 'tcp', host: '::1', port: 2376 }],
    ['tcp://docker', { kind: 'tcp', host: 'docker', port: null }],
  ])('reads %s', (text, host) => expect(parseDockerHost(text)).toEqual({ ok: true, host }))

  it.each([
    'unix://docker.sock',
    `unix:///${'a'.repeat(107)}`,
    '/var/run/docker.sock',
    'http://127.0.0.1:2375',
    'ssh://me@docker',
    'tcp://me:pass@docker:2375',
    'tcp://docker:2375/path',
    'tcp://docker:99999',
    'tcp://',
    '',
  ])('refuses %j', (text) => {
    expect(parseDockerHost(text)).toEqual({
      ok: false,
      problem: expect.stringMatching(/^(must|is) /),
    })
  })

  it('describes a host as it was said', () => {
    const port = fc.integer({ min: 1, max: 65_535 })
    const host = fc.oneof(fc.ipV4(), fc.domain())
    fc.assert(
      fc.property(host, port, (name, number) => {
        const text = `tcp://${name.toLowerCase()}:${number}`
        const parsed = parseDockerHost(text)
        expect(parsed.ok && describeDockerHost(parsed.host)).toBe(text)
      }),
    )
  })
})
