import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  appPrivateKey,
  commandLine,
  mcpUrl,
  repositoryNames,
  repositoryPatterns,
} from './parse-github.ts'
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

describe('commandLine', () => {
  it.each([
    ['github-mcp-server stdio', ['github-mcp-server', 'stdio']],
    ['  docker run  -i --rm\n-e X image ', ['docker', 'run', '-i', '--rm', '-e', 'X', 'image']],
    [
      String.raw`"/opt/my server" --name='a "b"' c\"d e\ f`,
      ['/opt/my server', '--name=a "b"', 'c"d', 'e f'],
    ],
    ['echo $HOME; `id` && x > y', ['echo', '$HOME;', '`id`', '&&', 'x', '>', 'y']],
    [`a '' ""`, ['a', '', '']],
  ])('splits %s', (text, words) => {
    expect(commandLine(text)).toEqual(words)
  })

  it.each([
    ['   ', 'names no command'],
    ['run "it', 'not closed'],
    [`run 'it`, 'not closed'],
    ['run it\\', 'not closed'],
    ['docker run -e TOKEN=ghp_abc image', 'GITHUB_MCP_TOKEN'],
  ])('refuses %s', (text, why) => {
    expect(() => commandLine(text)).toThrow(why)
  })
})

describe('mcpUrl', () => {
  it('takes an address as it is, without a credential', () => {
    expect(mcpUrl('https://api.githubcopilot.com/mcp/')).toBe('https://api.githubcopilot.com/mcp/')
    expect(() => mcpUrl('https://x:secret@mcp.test')).toThrow(/^holds a credential/)
    expect(() => mcpUrl('file:///mcp')).toThrow('is no http or https URL')
    expect(() => mcpUrl('mcp')).toThrow('is no http or https URL')
  })
})

describe('the settings of GitHub', () => {
  it('asks its MCP server, with the token of GitHub or one of its own', async () => {
    const url = await readConfig({ GITHUB_TOKEN: 'ghp_x', GITHUB_MCP_URL: 'http://mcp.test/' })
    expect(url.github.mcp).toEqual({
      endpoint: { kind: 'http', url: 'http://mcp.test/' },
      token: 'ghp_x',
    })
    const command = await readConfig({
      GITHUB_TOKEN: 'ghp_x',
      GITHUB_MCP_COMMAND: 'github-mcp-server stdio',
      GITHUB_MCP_TOKEN: 'ghp_y',
    })
    expect(command.github.mcp).toEqual({
      endpoint: { kind: 'stdio', command: 'github-mcp-server', args: ['stdio'] },
      token: 'ghp_y',
    })
  })

  it('names every problem of its MCP server at once', async () => {
    const refused = readConfig({ GITHUB_MCP_URL: 'http://mcp.test', GITHUB_MCP_COMMAND: 'mcp' })
    await expect(refused).rejects.toThrow(
      /GITHUB_MCP_COMMAND: either a command or GITHUB_MCP_URL[^]*GITHUB_MCP_URL: needs GITHUB_TOKEN/,
    )
    await expect(readConfig({ GITHUB_MCP_TOKEN: 'x' })).rejects.toThrow(
      'GITHUB_MCP_TOKEN: has no meaning without',
    )
  })

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
