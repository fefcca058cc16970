// What builds refer to, by the command line: branding templates with assets, configurations, registries.
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { createRepository } from '../support/git-repository.ts'
import { type CliOptions, runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** One pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

let server: TestServer
let registry: DockerRegistry
beforeAll(async () => {
  registry = await startDockerRegistry()
  server = await startTestServer({ OCI_PLAIN_HTTP: registry.host })
})
afterAll(async () => {
  await server.close()
  await registry.close()
})

/** Each command is a process of its own, on a machine that has others. */
const manyCommands = { timeout: 90_000 }

const cli = (args: string[], options: CliOptions = {}) =>
  runCli(args, {
    ...options,
    env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token, ...options.env },
  })
async function told<T>(args: string[], options: CliOptions = {}): Promise<T> {
  const { code, out, err } = await cli([...args, '--json'], options)
  expect(code, err).toBe(0)
  return JSON.parse(out) as T
}

describe('slipway branding', () => {
  it('keeps a template with its assets, and shows what it would do', manyCommands, async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'logo.png'), png)
    const rules = [
      { pattern: 'Version (\\d+)', replacement: 'v$1', use_regex: true, files: ['*.md'] },
    ]
    await writeFile(join(cwd, 'rules.json'), JSON.stringify(rules))
    const made = await cli(
      [
        'branding',
        'create',
        'acme',
        '--brand-name',
        'Acme',
        '--rules',
        'rules.json',
        '--replace',
        'Open WebUI={{brand_name}}',
      ],
      { cwd },
    )
    expect(made).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringMatching(/^Keeps acme \(\d+\)\n$/),
    })
    const asset = await cli(
      ['branding', 'asset', 'add', 'acme', 'logo.png', '--to', 'static/logo.png', '--type', 'logo'],
      { cwd },
    )
    expect(asset.err).toMatch(/^Keeps static\/logo\.png \(\d+\): image\/png, 70 B\n$/)

    const shown = await cli(['branding', 'show', 'acme'])
    expect(shown.out).toMatch(
      /^acme {2}Acme\n\/Version \(\\d\+\)\/ → "v\$1" {2}in \*\.md\n"Open WebUI" → "\{\{brand_name\}\}"\nasset \d+ {2}logo {2}static\/logo\.png {2}70 B\n$/,
    )
    const list = await cli(['branding', 'list'])
    expect(list.out).toMatch(/^ID +NAME +BRAND +RULES +ASSETS\n\d+ +acme +Acme +2 +1\n$/)

    const repository = await createRepository(server.repositories, 'acme/portal')
    await repository.commit({
      'README.md': '# Open WebUI\nVersion 3\n',
      'other.txt': 'Version 3\n',
    })
    const added = await cli(['repository', 'add', 'acme/portal', `file://${repository.directory}`])
    expect(added.code, added.err).toBe(0)
    const preview = await cli(['branding', 'preview', 'acme', '-r', 'acme/portal'])
    expect(preview.code, preview.err).toBe(0)
    expect(preview.out).toContain('-# Open WebUI\n-Version 3\n+# Acme\n+v3\n')
    expect(preview.out).not.toContain('other.txt')
    expect(preview.err).toContain('create  static/logo.png\n')
    expect(preview.err).toMatch(/acme\/portal [0-9a-f]{8}: 2 replacements in 1 of \d files\n$/)
    expect(
      await told(['branding', 'preview', 'acme', '-r', 'acme/portal', '--param', 'x=y']),
    ).toMatchObject({ files_changed: 1, replacements: 2, assets: [{ action: 'create' }] })
  })

  it('copies a template, and takes it elsewhere as a file', manyCommands, async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'theme.css'), 'body { color: red }\n')
    await cli(['branding', 'create', 'source', '--replace', 'a=b', 'c=d'])
    await cli(
      ['branding', 'asset', 'add', 'source', 'theme.css', '--to', 'theme.css', '--type', 'theme'],
      { cwd },
    )
    const copied = await cli(['branding', 'duplicate', 'source', 'copied'])
    expect(copied.code, copied.err).toBe(0)
    expect(await told(['branding', 'show', 'copied'])).toMatchObject({
      replacement_rules: [{ pattern: 'a' }, { pattern: 'c' }],
      assets: [{ target_path: 'theme.css', asset_type: 'theme' }],
    })

    const exported = await cli(['branding', 'export', 'source'], { cwd })
    expect(exported.code, exported.err).toBe(0)
    const [file = ''] = (await readdir(cwd)).filter((name) => name !== 'theme.css')
    expect(exported.out).toBe(`${join(cwd, file)}\n`)
    const again = await cli(['branding', 'export', 'source'], { cwd })
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already') })
    const forced = await cli(['branding', 'export', 'source', '-o', file, '--force'], { cwd })
    expect(forced.code, forced.err).toBe(0)
    expect((await readdir(cwd)).toSorted()).toEqual([file, 'theme.css'].toSorted())
    const imported = await cli(['branding', 'import', file, '--name', 'imported'], { cwd })
    expect(imported.code, imported.err).toBe(0)
    expect(await told(['branding', 'show', 'imported'])).toMatchObject({
      assets: [{ target_path: 'theme.css', size_bytes: 20 }],
    })
    const taken = await cli(['branding', 'import', file], { cwd })
    expect(taken).toMatchObject({ code: 4, err: expect.stringContaining('already') })
  })

  it('changes what is named, and archives before it deletes', manyCommands, async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'a.txt'), 'a\n')
    await cli(['branding', 'create', 'changing'])
    const rules = '[{"pattern": "x", "replacement": "y"}]'
    const changed = await cli(
      ['branding', 'update', 'changing', '--rename', 'changed', '--rules', '-'],
      { input: rules },
    )
    expect(changed.code, changed.err).toBe(0)
    await cli(['branding', 'asset', 'add', 'changed', 'a.txt', '--to', 'a.txt'], { cwd })
    const moved = await cli(['branding', 'asset', 'update', 'changed', 'a.txt', '--to', 'b/a.txt'])
    expect(moved.code, moved.err).toBe(0)
    expect(await told(['branding', 'show', 'changed'])).toMatchObject({
      replacement_rules: [{ pattern: 'x', replacement: 'y' }],
      assets: [{ target_path: 'b/a.txt', asset_type: 'other' }],
    })
    expect((await cli(['branding', 'asset', 'remove', 'changed', 'b/a.txt'])).code).toBe(0)
    await cli(['branding', 'update', 'changed', '--archive'])
    expect((await cli(['branding', 'list'])).out).not.toContain('changed')
    expect((await cli(['branding', 'list', '--archived'])).out).toContain('changed')
    expect((await cli(['branding', 'delete', 'changed'])).err).toBe('Deleted changed\n')
    expect(await cli(['branding', 'show', 'changed'])).toMatchObject({ code: 4 })
  })

  it.each([
    [['branding', 'create', 'x', '--replace', 'nothing'], 2, 'nothing is no text=replacement'],
    [['branding', 'create', 'x', '--rules', 'missing.json'], 2, 'cannot be read (ENOENT)'],
    [['branding', 'update', '1'], 2, 'There is nothing to change'],
    [['branding', 'update', '1', '--archive', '--restore'], 2, 'do not go together'],
    [
      ['branding', 'asset', 'add', '1', 'missing.png', '--to', 'x.png'],
      2,
      'cannot be read (ENOENT)',
    ],
    [['branding', 'show', 'nobody'], 4, 'No branding template has the name nobody'],
    [['branding', 'create', 'x', '--replace', '='], 2, 'is no text=replacement'],
  ])('refuses %j', async (args, code, message) => {
    const refused = await cli(args)
    expect(refused.err).toContain(message)
    expect(refused.code).toBe(code)
  })
})

describe('slipway configuration', () => {
  it('keeps settings and where they go, and changes what is named', manyCommands, async () => {
    const made = await cli([
      'configuration',
      'create',
      'production',
      '--set',
      'WEBUI_NAME=Acme = more',
      'PORT=8080',
      'DEBUG=false',
      'ZIP=01234',
      '--target',
      '.env',
      'config/app.yml',
      'settings:json',
    ])
    expect(made.code, made.err).toBe(0)
    expect(await told(['configuration', 'show', 'production'])).toMatchObject({
      settings: { WEBUI_NAME: 'Acme = more', PORT: 8080, DEBUG: false, ZIP: '01234' },
      targets: [
        { path: '.env', format: 'env' },
        { path: 'config/app.yml', format: 'yaml' },
        { path: 'settings', format: 'json' },
      ],
    })
    const changed = await cli([
      'configuration',
      'update',
      'production',
      '--set',
      'PORT=9090',
      '--unset',
      'ZIP',
      'DEBUG',
    ])
    expect(changed.code, changed.err).toBe(0)
    expect((await cli(['configuration', 'show', 'production'])).out).toBe(
      'production\ninto .env as env\ninto config/app.yml as yaml\ninto settings as json\nPORT=9090\nWEBUI_NAME=Acme = more\n',
    )
    const whole = await cli(['configuration', 'update', 'production', '--from', '-'], {
      input: '{"A": 1}',
    })
    expect(whole.code, whole.err).toBe(0)
    expect(await told(['configuration', 'list'])).toMatchObject({
      total: 1,
      configurations: [{ name: 'production', settings: { A: 1 } }],
    })
    expect((await cli(['configuration', 'list'])).out).toMatch(
      /^ID +NAME +KEYS +INTO\n\d+ +production +1 +\.env config\/app\.yml settings\n$/,
    )
    await cli(['configuration', 'update', 'production', '--archive'])
    expect((await cli(['configuration', 'list'])).out).not.toContain('production')
    expect((await cli(['configuration', 'delete', 'production'])).err).toBe('Deleted production\n')
  })

  it.each([
    [['configuration', 'create', 'x', '--set', 'novalue'], 2, 'novalue is no key=value'],
    [['configuration', 'create', 'x', '--from', '-'], 2, 'There is no JSON document'],
    [['configuration', 'create', 'x', '--target', '../outside'], 4, 'must not hold the part ..'],
    [['configuration', 'show', 'nobody'], 4, 'No configuration has the name nobody'],
  ])('refuses %j', async (args, code, message) => {
    const refused = await cli(args)
    expect(refused.err).toContain(message)
    expect(refused.code).toBe(code)
  })
})

describe('slipway registry', () => {
  it('keeps a registry, and tries its login', manyCommands, async () => {
    const credential = await cli(
      [
        'credential',
        'create',
        'registry',
        '--type',
        'registry_generic',
        '--set',
        `username=${registryUser.username}`,
        `registry_url=http://${registry.host}`,
      ],
      { input: registryUser.password },
    )
    expect(credential.code, credential.err).toBe(0)
    const anonymous = await cli([
      'registry',
      'add',
      'home',
      '--type',
      'generic',
      '--at',
      registry.host,
    ])
    expect(anonymous.code, anonymous.err).toBe(1)
    expect(anonymous.out).not.toBe('')
    const added = await cli([
      'registry',
      'update',
      'home',
      '--credential',
      'registry',
      '--namespace',
      'acme',
    ])
    expect(added.err).toMatch(/^Changed home \(\d+\)\n$/)
    expect(added.code, added.out).toBe(0)
    const tried = await cli(['registry', 'test', 'home'])
    expect(tried).toEqual({ code: 0, out: added.out, err: '' })
    expect((await cli(['registry', 'list'])).out).toMatch(
      new RegExp(
        `^ID +NAME +TYPE +VERIFIED +AT\\n\\d+ +home +generic +yes +${registry.host}/acme\\n$`,
      ),
    )
    const shown = await cli(['registry', 'show', 'home'])
    expect(shown.out).toContain(`at        ${registry.host}/acme\n`)
    expect(shown.out + tried.out).not.toContain(registryUser.password)

    const nowhere = await cli([
      'registry',
      'add',
      'nowhere',
      '--type',
      'generic',
      '--at',
      '127.0.0.1:1',
    ])
    expect(nowhere.code).toBe(1)
    expect((await cli(['registry', 'remove', 'nowhere'])).err).toBe('Deleted nowhere\n')
    expect(await told(['registry', 'list'])).toMatchObject({
      total: 1,
      registries: [{ name: 'home' }],
    })
  })

  it.each([
    [['registry', 'add', 'x', '--type', 'unknown'], 2, 'Allowed choices are'],
    [['registry', 'add', 'x'], 2, '--type'],
    [['registry', 'add', 'x', '--type', 'generic'], 4, 'registry_url'],
    [['registry', 'test', 'nobody'], 4, 'No registry has the name nobody'],
  ])('refuses %j', async (args, code, message) => {
    const refused = await cli(args)
    expect(refused.err).toContain(message)
    expect(refused.code).toBe(code)
  })
})
