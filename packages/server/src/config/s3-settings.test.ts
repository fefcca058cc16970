import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemsOf } from '../../../../test/support/config-problems.ts'
import { readConfig } from './read-config.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'slipway-s3-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('settings of the object storage', () => {
  it('are none by default: files in the data directory', async () => {
    expect((await readConfig({})).s3).toBeNull()
  })

  it('ask for nothing but a bucket at AWS', async () => {
    expect((await readConfig({ S3_BUCKET: 'slipway' })).s3).toEqual({
      endpoint: null,
      publicEndpoint: null,
      bucket: 'slipway',
      region: 'us-east-1',
      keys: null,
      forcePathStyle: false,
      prefix: '',
      caPath: null,
      links: true,
      applyLifecycle: false,
    })
  })

  it('are all read', async () => {
    const ca = join(folder, 'ca.pem')
    await writeFile(ca, rootCertificates[0] ?? '')
    const { s3 } = await readConfig({
      S3_BUCKET: 'builds',
      S3_ENDPOINT: 'https://s3.example.com:9000/',
      S3_PUBLIC_ENDPOINT: 'https://files.example.com',
      S3_REGION: 'eu-central-1',
      S3_ACCESS_KEY_ID: 'AKID',
      S3_SECRET_ACCESS_KEY: 'secret',
      S3_PREFIX: '/teams/ci/',
      S3_CA: ca,
      S3_LINKS: 'no',
      S3_APPLY_LIFECYCLE: 'yes',
    })
    expect(s3).toEqual({
      endpoint: 'https://s3.example.com:9000',
      publicEndpoint: 'https://files.example.com',
      bucket: 'builds',
      region: 'eu-central-1',
      keys: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
      forcePathStyle: true,
      prefix: 'teams/ci/',
      caPath: ca,
      links: false,
      applyLifecycle: true,
    })
    const hosted = { S3_BUCKET: 'builds', S3_ENDPOINT: 'http://s3:1', S3_FORCE_PATH_STYLE: 'false' }
    expect((await readConfig(hosted)).s3?.forcePathStyle).toBe(false)
  })

  it('are refused by name, all at once, and no secret is repeated', async () => {
    const empty = join(folder, 'empty.pem')
    await writeFile(empty, 'nothing')
    const problems = await problemsOf({
      S3_BUCKET: 'a/b',
      S3_ENDPOINT: 'http://s3/path',
      S3_PUBLIC_ENDPOINT: 's3.example.com',
      S3_REGION: 'not a region',
      S3_SECRET_ACCESS_KEY: 'hidden key',
      S3_FORCE_PATH_STYLE: 'perhaps',
      S3_PREFIX: 'a/../b',
      S3_CA: empty,
      S3_LINKS: '2',
      S3_APPLY_LIFECYCLE: '?',
    })
    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'S3_APPLY_LIFECYCLE',
      'S3_BUCKET',
      'S3_CA',
      'S3_ENDPOINT',
      'S3_FORCE_PATH_STYLE',
      'S3_LINKS',
      'S3_PREFIX',
      'S3_PUBLIC_ENDPOINT',
      'S3_REGION',
      'S3_SECRET_ACCESS_KEY',
    ])
    expect(problems.join()).not.toContain('hidden')
    expect(await problemsOf({ S3_BUCKET: 'builds', S3_CA: join(folder, 'none.pem') })).toEqual([
      expect.stringMatching(/^S3_CA: the file .* cannot be read: ENOENT$/),
    ])
  })

  it('have to fit together', async () => {
    expect(await problemsOf({ S3_BUCKET: 'builds', S3_ACCESS_KEY_ID: 'x' })).toEqual([
      'S3_SECRET_ACCESS_KEY: is needed by S3_ACCESS_KEY_ID',
    ])
    expect(await problemsOf({ S3_BUCKET: 'builds', S3_SECRET_ACCESS_KEY: 'x' })).toEqual([
      'S3_ACCESS_KEY_ID: is needed by S3_SECRET_ACCESS_KEY',
    ])
    expect(
      await problemsOf({ S3_ENDPOINT: 'http://s3', S3_PREFIX: 'a', S3_APPLY_LIFECYCLE: 'true' }),
    ).toEqual([
      'S3_ENDPOINT: has no meaning without S3_BUCKET',
      'S3_PREFIX: has no meaning without S3_BUCKET',
      'S3_APPLY_LIFECYCLE: has no meaning without S3_BUCKET',
    ])
  })
})
