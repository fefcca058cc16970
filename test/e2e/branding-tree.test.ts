import { createHash } from 'node:crypto'
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { applyBranding, type ReplacementRule } from '../../packages/server/src/branding/index.ts'
import { rewriteTree } from '../../packages/server/src/branding/thread/rewrite-tree.js'

let root: string
let tree: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-branding-tree-'))
  tree = join(root, 'tree')
  await mkdir(tree)
})
afterEach(() => rm(root, { recursive: true }))

const objects = () =>
  createFilesystemObjectStore({ root: join(root, 'objects'), log: pino({ level: 'silent' }) })

async function put(path: string, content: string | Buffer): Promise<string> {
  const file = join(tree, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
  return file
}
const read = (path: string) => readFile(join(tree, path), 'utf8')

interface Over {
  brandName?: string | null
  assets?: { targetPath: string; bytes: string; sha256?: string }[]
  variables?: Record<string, string>
  signal?: AbortSignal
}

async function brand(rules: (Partial<ReplacementRule> & { pattern: string })[], over: Over = {}) {
  const store = objects()
  const assets = []
  for (const [index, { targetPath, bytes, sha256 }] of (over.assets ?? []).entries()) {
    const objectKey = `assets/${index}`
    await store.put(objectKey, Buffer.from(bytes))
    assets.push({
      fileName: `file-${index}`,
      targetPath,
      objectKey,
      sizeBytes: bytes.length,
      sha256: sha256 ?? createHash('sha256').update(bytes).digest('hex'),
    })
  }
  const notes: string[] = []
  const progress: number[] = []
  const applied = await applyBranding(
    { objects: store },
    {
      directory: tree,
      branding: {
        name: 'Acme',
        brandName: over.brandName ?? null,
        rules: rules.map((rule) => ({ replacement: 'Acme', use_regex: false, ...rule })),
        assets,
      },
      variables: over.variables ?? {},
      note: (line) => void notes.push(line),
      progress: (percent) => void progress.push(percent),
    },
    over.signal ?? new AbortController().signal,
  )
  return { ...applied, notes, progress }
}

describe('applyBranding', () => {
  it('replaces in the text files that each rule is for, and says what it did', async () => {
    await put('README.md', 'Open WebUI, Open WebUI')
    await put('src/app.ts', 'const a = "Open WebUI v12"')
    await put('src/deep/style.css', '/* Open WebUI */')
    await put('src/other.txt', 'nothing of interest')
    const done = await brand(
      [
        { pattern: 'Open WebUI', replacement: '{{brand_name}}', files: ['*.md', '*.ts'] },
        { pattern: String.raw`v(\d+)`, replacement: 'V$1-{{edition}}', use_regex: true },
        { pattern: 'nowhere' },
        { pattern: 'never', files: ['*.none'] },
        { pattern: 'nothing', replacement: '{{unknown}}' },
      ],
      { brandName: 'Acme Chat', variables: { edition: 'Pro' } },
    )
    expect(await read('README.md')).toBe('Acme Chat, Acme Chat')
    expect(await read('src/app.ts')).toBe('const a = "Acme Chat V12-Pro"')
    expect(await read('src/deep/style.css')).toBe('/* Open WebUI */')
    expect(done.replacements).toBe(5)
    expect(done.files).toEqual([
      { path: 'README.md', replacements: 2 },
      { path: 'src/app.ts', replacements: 2 },
      { path: 'src/other.txt', replacements: 1 },
    ])
    expect(done.warnings).toEqual([
      'Rule 3 (nowhere) matched nothing',
      'Rule 4 (never) matched nothing in *.none',
      '{{unknown}} has no value and stays as it is',
    ])
    expect(done.notes).toEqual([
      'README.md: 2 replacements',
      'src/app.ts: 2 replacements',
      'src/other.txt: 1 replacement',
      '5 replacements in 3 files',
      ...done.warnings.map((warning) => `Warning: ${warning}`),
    ])
  })

  it('leaves alone what is no UTF-8 text, and does not write what stays the same', async () => {
    const binary = Buffer.from('Open WebUI\0')
    const latin = Buffer.from('Open WebUI caf\xe9', 'latin1')
    const wide = Buffer.from('\ufeffOpen WebUI', 'utf16le')
    await put('binary', binary)
    await put('latin.txt', latin)
    await put('wide.txt', wide)
    const same = await put('same.txt', 'Acme')
    const { ino } = await stat(same)
    const done = await brand([{ pattern: 'Open WebUI' }, { pattern: 'Acme', replacement: 'Acme' }])
    expect(await readFile(join(tree, 'binary'))).toEqual(binary)
    expect(await readFile(join(tree, 'latin.txt'))).toEqual(latin)
    expect(await readFile(join(tree, 'wide.txt'))).toEqual(wide)
    expect((await stat(same)).ino).toBe(ino)
    expect(done).toMatchObject({ replacements: 1, files: [] })
  })

  it('never follows links out of the tree or within, and never looks into .git', async () => {
    const outside = join(root, 'outside.txt')
    await writeFile(outside, 'Open WebUI')
    await mkdir(join(root, 'folder'))
    await writeFile(join(root, 'folder', 'file'), 'Open WebUI')
    await symlink(outside, join(tree, 'link.txt'))
    await symlink('../folder', join(tree, 'linked'))
    await symlink('loop', join(tree, 'loop'))
    await put('.git/config', 'Open WebUI')
    await put('sub/.git', 'gitdir: Open WebUI')
    await put('.gitignore', 'Open WebUI')
    const done = await brand([{ pattern: 'Open WebUI' }])
    expect(done.files).toEqual([{ path: '.gitignore', replacements: 1 }])
    expect(await readFile(outside, 'utf8')).toBe('Open WebUI')
    expect(await readFile(join(root, 'folder', 'file'), 'utf8')).toBe('Open WebUI')
    expect(await read('.git/config')).toBe('Open WebUI')
    expect(await readlink(join(tree, 'link.txt'))).toBe(outside)
  })

  it('keeps modes, and what else a hard link names', async () => {
    const outside = join(root, 'outside')
    await writeFile(outside, 'Open WebUI')
    await link(outside, join(tree, 'hard'))
    const script = await put('run.sh', '#!/bin/sh\necho Open WebUI')
    await chmod(script, 0o755)
    const locked = await put('locked.txt', 'Open WebUI')
    await chmod(locked, 0o444)
    await brand([{ pattern: 'Open WebUI' }])
    expect(await readFile(outside, 'utf8')).toBe('Open WebUI')
    expect(await read('hard')).toBe('Acme')
    expect((await stat(script)).mode & 0o777).toBe(0o755)
    expect((await stat(locked)).mode & 0o777).toBe(0o444)
    expect(await read('locked.txt')).toBe('Acme')
  })

  it('takes files of every name', async () => {
    const names = ['a b', '-rf', '*', 'ü', '\n', '.hidden', '"', '\u202e', 'x'.repeat(250)]
    for (const name of names) await put(name, 'Open WebUI')
    const latin = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from('caf\xe9', 'latin1')])
    await writeFile(latin, 'Open WebUI')
    const done = await brand([{ pattern: 'Open WebUI' }])
    expect(done.files).toHaveLength(names.length + 1)
    for (const name of names) expect(await read(name), name).toBe('Acme')
    expect(await readFile(latin, 'utf8')).toBe('Acme')
    expect(done.files.map(({ path }) => path)).toContain('caf\ufffd')
  })

  it('leaves files alone that are too large, and says which', async () => {
    await put('small.txt', 'Open WebUI')
    const large = await put('large.txt', 'Open WebUI')
    await truncate(large, 16 * 1024 * 1024 + 1)
    const done = await brand([{ pattern: 'Open WebUI' }])
    expect(done.files.map(({ path }) => path)).toEqual(['small.txt'])
    expect(done.warnings).toEqual([
      '1 files are larger than 16 MiB and stay as they are: large.txt',
    ])
  })

  it('fails in words where a file would grow without end, and leaves nothing else behind', async () => {
    await put('a.txt', 'Open WebUI')
    await put('b.txt', 'a'.repeat(1024 * 1024))
    await expect(
      brand([{ pattern: 'Open WebUI' }, { pattern: 'a', replacement: 'x'.repeat(10_000) }]),
    ).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'b.txt would grow to more than 64 MiB',
    })
    expect((await readdir(tree)).toSorted()).toEqual(['a.txt', 'b.txt'])
    expect((await read('b.txt')).length).toBe(1024 * 1024)
  })

  it('fails in words where many files would grow the tree without end', async () => {
    const mebibyte = 1024 * 1024
    for (let at = 0; at < 3; at++) await put(`${at}.txt`, 'a'.repeat(60))
    const grow = (maxGrownTreeBytes: number) =>
      rewriteTree(
        {
          kind: 'rewrite',
          directory: tree,
          rules: [{ pattern: 'a', replacement: 'x'.repeat(10_000), use_regex: false }],
          variables: {},
          scratch: null,
          maxFileBytes: mebibyte,
          maxGrownBytes: mebibyte,
          maxGrownTreeBytes,
          maxFiles: 10,
          show: null,
        },
        () => undefined,
      )
    expect(grow(2 * mebibyte).changed).toBe(3)
    expect(() => grow(mebibyte)).toThrow('The repository would grow by more than 1 MiB')
  })

  it('stops at once when it is told to, also in the middle of a pattern', async () => {
    await put('evil.txt', 'a'.repeat(2_000_000))
    const stop = new AbortController()
    const branding = brand([{ pattern: 'a.*z|a', use_regex: true }], { signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopped')), 500)
    await expect(branding).rejects.toThrow('stopped')
    expect(await readdir(tree)).toEqual(['evil.txt'])
    await expect(brand([{ pattern: 'a' }], { signal: stop.signal })).rejects.toThrow('stopped')
  })

  it('does not hold up the server', async () => {
    await put('large.txt', 'Open webui and more of it\n'.repeat(300_000))
    for (let at = 0; at < 300; at++) await put(`many/${at}.txt`, 'Open WebUI\n'.repeat(100))
    let turns = 0
    const ticking = setInterval(() => (turns += 1), 1)
    const done = await brand([
      { pattern: '(?i)open ?webui', replacement: 'Acme', use_regex: true },
      { pattern: 'Acme', replacement: 'ACME' },
    ])
    clearInterval(ticking)
    expect(done.replacements).toBe(660_000)
    // One file alone takes longer than a turn of the loop; had it been done there, there would be few.
    expect(turns).toBeGreaterThan(50)
  })
})

describe('the assets of a branding', () => {
  it('are copied to their places behind the rules, which do not touch them', async () => {
    await put('static/logo.svg', 'Open WebUI')
    await put('bin/tool', 'old')
    await chmod(join(tree, 'bin/tool'), 0o755)
    const done = await brand([{ pattern: 'Open WebUI' }], {
      assets: [
        { targetPath: 'static/logo.svg', bytes: 'logo of Open WebUI' },
        { targetPath: 'new/deep/file', bytes: 'new' },
        { targetPath: 'bin/tool', bytes: 'new tool' },
      ],
    })
    expect(await read('static/logo.svg')).toBe('logo of Open WebUI')
    expect(await read('new/deep/file')).toBe('new')
    expect(await read('bin/tool')).toBe('new tool')
    expect((await stat(join(tree, 'bin/tool'))).mode & 0o777).toBe(0o755)
    expect(done.notes).toContain('static/logo.svg: file-0, 18 bytes')
    expect(done.progress.at(-1)).toBe(100)
    expect((await readdir(tree)).toSorted()).toEqual(['bin', 'new', 'static'])
  })

  it('replace a link and do not follow it', async () => {
    const outside = join(root, 'outside')
    await writeFile(outside, 'as it was')
    await symlink(outside, join(tree, 'logo'))
    await brand([], { assets: [{ targetPath: 'logo', bytes: 'new' }] })
    expect((await lstat(join(tree, 'logo'))).isFile()).toBe(true)
    expect(await readFile(outside, 'utf8')).toBe('as it was')
  })

  it('go through links of folders that stay in the tree', async () => {
    await put('real/file', 'x')
    await symlink('real', join(tree, 'linked'))
    await brand([], { assets: [{ targetPath: 'linked/logo', bytes: 'new' }] })
    expect(await read('real/logo')).toBe('new')
  })

  it.each([
    ['out/logo', 'out/logo leads out of the repository: out is a link'],
    ['up/logo', 'up/logo leads out of the repository: up is a link'],
    ['git/hooks', 'git/hooks leads out of the repository: git is a link'],
    ['dangling/logo', 'dangling/logo leads out of the repository: dangling is a link'],
    ['file/logo', 'file/logo cannot be there: file is no folder'],
    ['folder', 'folder is a folder'],
    ['../logo', '../logo must not hold the part ..'],
    ['.git/config', '.git/config must not hold the part .git'],
  ])('are not put to %s', async (targetPath, message) => {
    await symlink('/', join(tree, 'out'))
    await symlink('..', join(tree, 'up'))
    await symlink('nowhere', join(tree, 'dangling'))
    await put('.git/config', 'x')
    await symlink('.git', join(tree, 'git'))
    await put('file', 'x')
    await put('folder/x', 'x')
    const before = await readdir(tree)
    await expect(brand([], { assets: [{ targetPath, bytes: 'new' }] })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(message) as string,
    })
    expect(await readdir(tree)).toEqual(before)
    expect(await readdir(join(tree, '.git'))).toEqual(['config'])
    expect(await readdir(root)).not.toContain('logo')
  })

  it('are not put anywhere once their bytes are not those that were uploaded', async () => {
    const assets = [{ targetPath: 'logo', bytes: 'new', sha256: '0'.repeat(64) }]
    await expect(brand([], { assets })).rejects.toThrow('is not what was uploaded any more')
    expect(await readdir(tree)).toEqual([])
  })
})
