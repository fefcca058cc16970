import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openRegistries } from '../../packages/server/src/adapters/registry/open-registries.ts'
import { AppError } from '../../packages/server/src/errors.ts'
import { blobOf, digestOf } from '../../packages/server/src/oci/index.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import { registryUser, startDockerRegistry } from '../support/docker-registry.ts'
import { startFaultRegistry } from '../support/fault-registry.ts'
import { startTokenServer } from '../support/token-server.ts'
import { closing, openFailing, openRegistry, pushThing } from './registry-world.ts'

const { signal } = new AbortController()
const { username, password } = registryUser
const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

const challenge =
  (value: string) =>
  (answer: ServerResponse): void =>
    void answer.writeHead(401, { 'www-authenticate': value }).end()

describe('the credential', () => {
  it('goes nowhere before it is asked for, and then at once', async () => {
    const { server, registry } = await openFailing(({ headers }) =>
      headers.authorization === basic ? null : challenge('Basic realm="test"'),
    )
    await pushThing(registry, Buffer.from('x'))
    const [asked, ...others] = server.calls
    expect(asked?.headers.authorization).toBeUndefined()
    expect(new Set(others.map(({ headers }) => headers.authorization))).toEqual(new Set([basic]))
  })

  it('does not follow a redirect to another host, and does to another path', async () => {
    const elsewhere = closing(await startFaultRegistry())
    const content = Buffer.from('kept elsewhere')
    elsewhere.blobs.set(digestOf(content), content)
    const path = `/v2/acme/shop/blobs/${digestOf(content)}`
    const { server, registry } = await openFailing(({ headers, url }) => {
      if (headers.authorization !== basic) return challenge('Basic realm="test"')
      const location = url.includes('moved') ? `http://${elsewhere.host}${path}` : `/moved${url}`
      return (answer) => void answer.writeHead(307, { location }).end()
    })
    const found = await registry.getBlob('acme/shop', digestOf(content), signal)
    expect(await buffer(found?.body ?? Readable.from([]))).toEqual(content)
    expect(server.calls.at(-1)).toMatchObject({
      url: `/moved${path}`,
      headers: { authorization: basic },
    })
    expect(elsewhere.calls).toHaveLength(1)
    expect(elsewhere.calls[0]?.headers.authorization).toBeUndefined()
  })

  it('does not go along to where an upload is to be sent', async () => {
    const elsewhere = closing(await startFaultRegistry())
    elsewhere.uploads.set('u', Buffer.alloc(0))
    const location = `http://${elsewhere.host}/v2/acme/shop/blobs/uploads/u?_state=a%2Fb`
    const { registry } = await openFailing(({ headers, method }) => {
      if (headers.authorization !== basic) return challenge('Basic realm="test"')
      return method === 'POST' ? (answer) => void answer.writeHead(202, { location }).end() : null
    })
    const blob = blobOf(Buffer.from('stored elsewhere'))
    await registry.putBlob('acme/shop', blob, signal)
    expect(elsewhere.blobs.has(blob.digest)).toBe(true)
    expect(elsewhere.calls.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it('is not followed around in circles', async () => {
    const { server, registry } = await openFailing(
      ({ url }) =>
        (answer) =>
          void answer.writeHead(302, { location: url }).end(),
    )
    await expect(registry.getManifest('acme/shop', 'v1', signal)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('redirects without an end'),
    })
    expect(server.calls.length).toBeLessThan(10)
  })

  it('that is wrong, or missing, is told once and not tried for long', async () => {
    const { server, registry } = await openFailing(() => challenge('Basic realm="test"'))
    await expect(pushThing(registry, Buffer.from('x'))).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('does not take the credential'),
    })
    expect(server.calls).toHaveLength(2)
    const without = openRegistry(server.host, { openCredential: async () => null })
    await expect(pushThing(without, Buffer.from('x'))).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('none is configured'),
    })
    const unknown = await openFailing(() => challenge('Negotiate'))
    await expect(pushThing(unknown.registry, Buffer.from('x'))).rejects.toMatchObject({
      code: 'authorization_failed',
    })
  })

  it('that has changed is used without a restart', async () => {
    let password = 'old'
    let taken = 'old'
    const { registry } = await openFailing(
      ({ headers }) =>
        headers.authorization === `Basic ${Buffer.from(`u:${taken}`).toString('base64')}`
          ? null
          : challenge('Basic realm="test"'),
      { openCredential: async () => ({ username: 'u', password }) },
    )
    await pushThing(registry, Buffer.from('x'))
    password = taken = 'new'
    await pushThing(registry, Buffer.from('y'))
  })

  it('goes to no token server without TLS beyond this machine', async () => {
    const { registry } = await openFailing(() =>
      challenge('Bearer realm="http://auth.example.test/token"'),
    )
    await expect(pushThing(registry, Buffer.from('x'))).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('token server without TLS'),
    })
  })
})

describe('a stored credential', () => {
  const openWith = (registryUrl: string | null, home: Registry) =>
    openRegistries({
      home,
      plainHttp: [],
      openLogin: async ({ name }) => {
        if (name === 'ci') return { ...registryUser, registryUrl }
        throw new AppError('resource_not_found', `There is no credential ${name}`)
      },
    })

  it('goes to the registry that it is for, by any of its names', async () => {
    const { server, registry: home } = await openFailing(({ headers }) =>
      headers.authorization === basic ? null : challenge('Basic realm="test"'),
    )
    for (const url of [`http://${server.host}/v2/`, server.host, null]) {
      const registries = openWith(url, home)
      const input = { registry: `${server.host}/team`, credential: 'ci', askedBy: null }
      await pushThing(await registries.open(input), Buffer.from('x'))
    }
    const hub = openWith('https://index.docker.io/v1/', home)
    const input = { registry: 'docker.io/acme', credential: 'ci', askedBy: null }
    await expect(hub.open(input)).resolves.toMatchObject({ base: 'docker.io/acme' })
  })

  it('goes to no other one, and is missed where there is none', async () => {
    const { server, registry: home } = await openFailing(() => challenge('Basic realm="test"'))
    const registries = openWith('https://registry.example.test', home)
    const input = { registry: server.host, credential: 'ci', askedBy: null }
    await expect(registries.open(input)).rejects.toMatchObject({
      code: 'authorization_failed',
      message: `The credential ci is for the registry registry.example.test, not for ${server.host}`,
    })
    await expect(registries.open({ ...input, credential: 'other' })).rejects.toMatchObject({
      code: 'resource_not_found',
    })
    expect(server.calls).toEqual([])
  })

  it('stays in the part of a registry that it is for', async () => {
    const { server, registry: home } = await openFailing(() => challenge('Basic realm="test"'))
    const registries = openWith(`http://${server.host}/team/`, home)
    const open = (registry: string) =>
      registries.open({ registry, credential: 'ci', askedBy: 'acme/shop' })
    for (const within of ['/team', '/team/images']) {
      expect((await open(server.host + within)).base).toBe(server.host + within)
    }
    for (const beside of ['', '/teammates', '/other']) {
      await expect(open(server.host + beside)).rejects.toMatchObject({
        code: 'authorization_failed',
        message: `The credential ci is for the registry ${server.host}/team, not for ${server.host}${beside}`,
      })
    }
  })
})

describe('an address', () => {
  it.each([
    'http://registry.example.test',
    'a b',
    '',
    'user@host',
    'host/Upper',
    'host//x',
    'host:x',
  ])('such as %j is refused', (registry) => {
    expect(() => openRegistry(registry)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })

  it('beyond this machine is spoken to by TLS, unless plain HTTP is allowed for it', async () => {
    // 127.0.0.1 by a name that does not say so, as a host in the network would be.
    const { server } = await openFailing(() => null)
    const [, port = ''] = server.host.split(':')
    const byName = `0.0.0.0:${port}`
    await expect(openRegistry(byName).check(signal)).rejects.toMatchObject({ code: 'unavailable' })
    expect(server.calls).toEqual([])
    await openRegistry(byName, { plainHttp: [byName] }).check(signal)
    expect(server.calls).toHaveLength(1)
  })
})

describe('a registry with a token server', () => {
  async function start() {
    const tokens = closing(await startTokenServer(registryUser))
    const server = closing(await startDockerRegistry({ token: tokens }))
    return { tokens, server }
  }

  it('gets a token for what is done, and the same one as long as it is good', async () => {
    const { tokens, server } = await start()
    const registry = openRegistry(`${server.host}/team`)
    const { digest } = await pushThing(registry, randomBytes(1000))
    expect(tokens.asked).toEqual([
      { scope: 'repository:team/acme/shop:pull,push', authorization: basic },
    ])
    expect((await registry.getManifest('acme/shop', 'v1', signal))?.digest).toBe(digest)
    await registry.getManifest('acme/shop', digest, signal)
    expect(tokens.asked.map(({ scope }) => scope)).toEqual([
      'repository:team/acme/shop:pull,push',
      'repository:team/acme/shop:pull',
    ])
    await registry.check(signal)
  })

  it('lets anybody pull and nobody push without a credential', async () => {
    const { server } = await start()
    const { digest } = await pushThing(openRegistry(server.host), randomBytes(1000))
    const anybody = openRegistry(server.host, { openCredential: async () => null })
    expect((await anybody.getManifest('acme/shop', 'v1', signal))?.digest).toBe(digest)
    await expect(pushThing(anybody, randomBytes(1000), ['v2'])).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('without a credential'),
    })
    expect(await anybody.getManifest('acme/shop', 'v2', signal)).toBeNull()
  })

  it('refuses a wrong password', async () => {
    const { server } = await start()
    const wrong = openRegistry(server.host, {
      openCredential: async () => ({ username: registryUser.username, password: 'wrong' }),
    })
    await expect(pushThing(wrong, randomBytes(10))).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.not.stringContaining('wrong'),
    })
  })
})
