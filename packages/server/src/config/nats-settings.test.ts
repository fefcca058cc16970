import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from './read-config.ts'

const seed = `SU${'A'.repeat(56)}`
let folder: string
const file = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-nats-settings-'))
  await writeFile(file('ca.pem'), '-----BEGIN CERTIFICATE-----\n')
  await writeFile(file('key.pem'), '-----BEGIN EC PRIVATE KEY-----\n')
  await writeFile(file('seed'), `${seed}\n`)
  await writeFile(
    file('user.creds'),
    '-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\nx\n',
  )
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const natsOf = async (env: Record<string, string>) => (await readConfig(env)).nats
const problemsOf = async (env: Record<string, string>): Promise<readonly string[]> => {
  try {
    await readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the settings of NATS', () => {
  it('are off unless an address is given', async () => {
    expect(await natsOf({})).toBeNull()
    expect(await natsOf({ NATS_URL: 'nats://127.0.0.1' })).toEqual({
      servers: ['127.0.0.1:4222'],
      credentials: { kind: 'none' },
      tls: null,
      prefix: '',
      replicas: 1,
    })
  })

  it('name the servers of a cluster, who we are there, and what TLS is spoken with', async () => {
    const all = {
      NATS_URL: 'tls://ci:p%40ss@a.example.com:4223, b.example.com',
      NATS_PREFIX: 'ci-1',
      NATS_REPLICAS: '3',
      NATS_CA: file('ca.pem'),
      NATS_CERT: file('ca.pem'),
      NATS_KEY: file('key.pem'),
    }
    expect(await problemsOf(all)).toEqual([
      'NATS_URL: has different users: all servers are of one cluster',
    ])
    const NATS_URL = 'tls://ci:p%40ss@a.example.com:4223,tls://ci:p%40ss@[::1]:4224'
    expect(await natsOf({ ...all, NATS_URL })).toEqual({
      servers: ['a.example.com:4223', '[::1]:4224'],
      credentials: { kind: 'password', user: 'ci', password: 'p@ss' },
      tls: {
        caFile: file('ca.pem'),
        client: { certFile: file('ca.pem'), keyFile: file('key.pem') },
      },
      prefix: 'ci-1',
      replicas: 3,
    })
    expect(await natsOf({ NATS_URL: 'tls://a' })).toMatchObject({
      tls: { caFile: null, client: null },
    })
  })

  it.each([
    [{ NATS_TOKEN: 's3cr3t' }, { kind: 'token', token: 's3cr3t' }],
    [{ NATS_NKEY: seed }, { kind: 'nkey', seed }],
  ])('take credentials: %o', async (env, credentials) => {
    expect(await natsOf({ NATS_URL: 'a', ...env })).toMatchObject({ credentials })
  })

  it('take credentials from files', async () => {
    expect(await natsOf({ NATS_URL: 'a', NATS_NKEY: file('seed') })).toMatchObject({
      credentials: { kind: 'nkey', seed },
    })
    expect(await natsOf({ NATS_URL: 'a', NATS_CREDENTIALS: file('user.creds') })).toMatchObject({
      credentials: { kind: 'file', path: file('user.creds') },
    })
  })

  it('refuse what cannot be meant, all at once and by name', async () => {
    const names = async (env: Record<string, string>) =>
      (await problemsOf(env)).map((problem) => problem.split(':')[0])
    for (const url of ['http://a', 'nats://', 'nats://a/path', 'nats://user@a', 'nats://%:x@a']) {
      expect(await names({ NATS_URL: url })).toEqual(['NATS_URL'])
    }
    expect(
      await names({
        NATS_URL: 'a',
        NATS_CREDENTIALS: file('ca.pem'),
        NATS_NKEY: 'SUSHORT',
        NATS_CA: file('none'),
        NATS_CERT: file('key.pem'),
        NATS_KEY: file('ca.pem'),
        NATS_PREFIX: 'a.b',
        NATS_REPLICAS: '7',
      }),
    ).toEqual([
      'NATS_CREDENTIALS',
      'NATS_NKEY',
      'NATS_CA',
      'NATS_CERT',
      'NATS_KEY',
      'NATS_PREFIX',
      'NATS_REPLICAS',
    ])
    expect(await problemsOf({ NATS_TOKEN: 'x', NATS_PREFIX: 'y' })).toEqual([
      'NATS_TOKEN: has no meaning without NATS_URL',
      'NATS_PREFIX: has no meaning without NATS_URL',
    ])
    expect(await problemsOf({ NATS_URL: 'a', NATS_TOKEN: 'x', NATS_NKEY: seed })).toEqual([
      'NATS_TOKEN, NATS_NKEY: only one of them can be used',
    ])
    expect(await problemsOf({ NATS_URL: 'nats://u:p@a', NATS_TOKEN: 'x' })).toEqual([
      'NATS_TOKEN: NATS_URL holds a user and a password already',
    ])
    expect(await problemsOf({ NATS_URL: 'a', NATS_CERT: file('ca.pem') })).toEqual([
      'NATS_KEY: is needed by NATS_CERT',
    ])
    expect(await problemsOf({ NATS_URL: 'a', NATS_KEY: file('key.pem') })).toEqual([
      'NATS_CERT: is needed by NATS_KEY',
    ])
  })
})
