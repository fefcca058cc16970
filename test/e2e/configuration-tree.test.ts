import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  applyConfiguration,
  type ConfigurationToApply,
} from '../../packages/server/src/configurations/index.ts'

let root: string
let tree: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-configuration-tree-'))
  tree = join(root, 'tree')
  await mkdir(tree)
})
afterEach(() => rm(root, { recursive: true }))

async function put(path: string, content: string | Buffer): Promise<string> {
  const file = join(tree, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
  return file
}
const read = (path: string) => readFile(join(tree, path), 'utf8')

async function configure(
  settings: Record<string, unknown>,
  targets: ConfigurationToApply['targets'] = [],
  over: { variables?: Record<string, string>; signal?: AbortSignal } = {},
) {
  const notes: string[] = []
  const applied = await applyConfiguration(
    {
      directory: tree,
      configuration: { name: 'Production', settings, targets },
      variables: over.variables ?? {},
      note: (line) => void notes.push(line),
    },
    over.signal ?? new AbortController().signal,
  )
  return { ...applied, notes }
}

describe('applyConfiguration', () => {
  it('merges into .env where nothing else is said, and tells of no value', async () => {
    const file = await put('.env', '# Kept\nA=1\nB=2\n')
    await chmod(file, 0o640)
    const done = await configure({ A: 'top secret', B: 2, C: '{{edition}}-{{unknown}}' }, [], {
      variables: { edition: 'Pro' },
    })
    expect(await read('.env')).toBe("# Kept\nA='top secret'\nB=2\nC='Pro-{{unknown}}'\n")
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect(done).toEqual({
      targets: [{ path: '.env', added: 1, changed: 1, same: 1 }],
      notes: [
        'Warning: {{unknown}} has no value and stays as it is',
        '.env: 1 added, 1 changed, 1 as they were',
      ],
    })
    expect(await readdir(tree)).toEqual(['.env'])
  })

  it('merges into all targets, and makes those that are missing', async () => {
    await put('config/app.json', '{\n  "server": { "host": "x" }\n}\n')
    await put('app.toml', '# Kept\n[server]\nhost = "x"\n')
    const settings = { 'server.port': 80, list: ['{{v}}'], 'dotted\\.key': true }
    await configure(
      settings,
      [
        { path: 'config/app.json', format: 'json' },
        { path: 'new/deep/app.yaml', format: 'yaml' },
        { path: 'app.toml', format: 'toml' },
      ],
      { variables: { v: 'x' } },
    )
    expect(JSON.parse(await read('config/app.json'))).toEqual({
      server: { host: 'x', port: 80 },
      list: ['x'],
      'dotted.key': true,
    })
    expect(await read('new/deep/app.yaml')).toBe(
      'server:\n  port: 80\nlist:\n  - x\ndotted.key: true\n',
    )
    expect(await read('app.toml')).toContain('# Kept\n')
    expect(await read('app.toml')).toContain('[server]\nhost = "x"\nport = 80\n')
    expect((await stat(join(tree, 'new/deep/app.yaml'))).mode & 0o777).toBe(0o644)
  })

  it('writes none of them where one cannot be read, and names it', async () => {
    await put('.env', 'A=1\n')
    await put('app.yaml', 'a: [1\n')
    await expect(
      configure({ A: 2 }, [
        { path: '.env', format: 'env' },
        { path: 'app.yaml', format: 'yaml' },
      ]),
    ).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('app.yaml is not valid YAML') as string,
    })
    expect(await read('.env')).toBe('A=1\n')
    expect((await readdir(tree)).toSorted()).toEqual(['.env', 'app.yaml'])
  })

  it.each<[string, string, string]>([
    ['linked', 'linked is a link', 'a link'],
    [
      'out/app.env',
      'out/app.env leads out of the repository: out is a link',
      'a folder that is a link',
    ],
    ['folder', 'folder is a folder', 'a folder'],
    ['../app.env', '../app.env must not hold the part ..', 'a path that leads out'],
    [
      '.git/config',
      ".git/config must not hold the part .git, which is git's own",
      'what is git’s own',
    ],
    ['latin', 'latin is not UTF-8 text', 'a file in another encoding'],
    ['binary', 'binary is not UTF-8 text', 'a binary file'],
    ['large', 'large is larger than 2097152 bytes', 'a large file'],
  ])('refuses %s: %s', async (path, message) => {
    const outside = join(root, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'app.env'), 'A=1\n')
    await symlink(join(outside, 'app.env'), join(tree, 'linked'))
    await symlink(outside, join(tree, 'out'))
    await put('folder/x', '')
    await put('latin', Buffer.from('A=caf\xe9', 'latin1'))
    await put('binary', 'A=\0')
    await put('large', 'A=1\n'.repeat(600_000))
    await expect(configure({ A: 2 }, [{ path, format: 'env' }])).rejects.toMatchObject({
      code: 'invalid_request',
      message,
    })
    expect(await readFile(join(outside, 'app.env'), 'utf8')).toBe('A=1\n')
  })

  it.each([
    ['json', `{"a":${'['.repeat(300_000)}${']'.repeat(300_000)}}`],
    ['yaml', `a: ${'['.repeat(300_000)}${']'.repeat(300_000)}\n`],
    ['toml', `a = ${'['.repeat(300_000)}${']'.repeat(300_000)}\n`],
  ] as const)('says of %s what is wrong that is nested without end', async (format, text) => {
    await put('deep', text)
    await expect(configure({ A: 2 }, [{ path: 'deep', format }])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^deep is /) as string,
    })
  })

  it('keeps what else a hard link names', async () => {
    await writeFile(join(root, 'outside'), 'A=1\n')
    await link(join(root, 'outside'), join(tree, '.env'))
    await configure({ A: 2 })
    expect(await read('.env')).toBe('A=2\n')
    expect(await readFile(join(root, 'outside'), 'utf8')).toBe('A=1\n')
  })

  it('stops when it is told to', async () => {
    await put('.env', 'A=1\n')
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(configure({ A: 2 }, [], { signal })).rejects.toThrow('stopped')
    expect(await read('.env')).toBe('A=1\n')
  })
})
