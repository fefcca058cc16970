import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { appPrivateKey, repositoryNames, repositoryPatterns } from './parse-github.ts'
import { readConfig } from './read-config.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

describe('appPrivateKey', () => {
  it('takes a key as GitHub hands it out, on one line too, or its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'key-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'app.pem')
    writeFileSync(file, pkcs1)
    for (const text of [pkcs1, pkcs8, pkcs1.replaceAll('\n', '\\n'), file]) {
      expect(appPrivateKey(text)).toBe(pkcs8)
    }
  })

  it('refuses what is none, without repeating it', () => {
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const ec = elliptic.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(() => appPrivateKey(ec)).toThrow('no RSA key')
    expect(() => appPrivateKey('-----BEGIN RSA PRIVATE KEY-----\nxyz')).toThrow(
      /^is no private key/,
    )
    expect(() => appPrivateKey('/nowhere/key.pem')).toThrow(/^is neither .* \(ENOENT\)$/)
  })
})

describe('repositoryPatterns', () => {
  it('splits a list', () => {
    expect(repositoryPatterns(' acme/* , other/x.y,* ')).toEqual(['acme/*', 'other/x.y', '*'])
    expect(repositoryPatterns('')).toEqual([])
  })

  it.each(['acme', 'acme/', 'a/b/c', '**', 'acme/sh op'])('refuses %j', (text) => {
    expect(() => repositoryPatterns(text)).toThrow('is not a pattern')
  })
})

describe('repositoryNames', () => {
  it('splits a list', () => {
    expect(repositoryNames(' acme/shop ,other/x.y,')).toEqual(['acme/shop', 'other/x.y'])
    expect(repositoryNames('')).toEqual([])
  })

  it.each(['acme', 'acme/*', 'a/b/c', 'acme/..', '../acme'])('refuses %j', (text) => {
    expect(() => repositoryNames(text)).toThrow('is not the name of a repository')
  })
})

describe('the settings of GitHub', () => {
  it('are a token or an App', async () => {
    const both = await readConfig({ GITHUB_TOKEN: 'ghp_x', GITHUB_WEBHOOK_SECRET: 'a secret' })
    expect(both.github).toMatchObject({
      credential: { kind: 'token', token: 'ghp_x' },
      webhookSecret: 'a secret',
    })
    const app = await readConfig({ GITHUB_APP_ID: '12', GITHUB_APP_PRIVATE_KEY: pkcs1 })
    expect(app.github.credential).toEqual({ kind: 'app', appId: '12', privateKey: pkcs8 })
  })

  it.each([
    [{ GITHUB_APP_ID: '12' }, 'GITHUB_APP_PRIVATE_KEY: is needed by GITHUB_APP_ID'],
    [{ GITHUB_APP_PRIVATE_KEY: pkcs1 }, 'GITHUB_APP_ID: is needed by GITHUB_APP_PRIVATE_KEY'],
    [
      { GITHUB_APP_ID: '12', GITHUB_APP_PRIVATE_KEY: pkcs1, GITHUB_TOKEN: 'x' },
      'GITHUB_TOKEN: either a token or a GitHub App, not both',
    ],
    [{ GITHUB_API_URL: 'ftp://x' }, 'GITHUB_API_URL:'],
  ])('are refused where they do not go together: %#', async (env, problem) => {
    await expect(readConfig(env as Record<string, string>)).rejects.toThrow(problem)
  })
})
