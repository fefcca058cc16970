import { randomUUID } from 'node:crypto'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { serveGit } from '../../../../../../test/support/git-http.ts'
import {
  createRepository,
  type TestRepository,
} from '../../../../../../test/support/git-repository.ts'
import { startSshd } from '../../../../../../test/support/sshd.ts'
import { createMirrors, type GitRemote } from '../../../git/index.ts'
import { cloneRepository } from './clone-repository.ts'
import { hasGitLfs } from './fetch-large-files.ts'

const login = { kind: 'password', username: 'bob', password: `hunter-${randomUUID()}` } as const

let root: string
let repository: TestRepository
let told: number[]
let notes: string[]
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-clone-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  told = []
  notes = []
})

/** Clones with mirrors of its own. */
async function clone(
  remote: GitRemote,
  ref: string | null = null,
  { gitLfs = hasGitLfs } = {},
): Promise<{ commitSha: string; tree: string }> {
  const tree = join(await mkdtemp(join(root, 'build-')), 'tree')
  const accessDirectory = join(root, 'access')
  const mirrors = createMirrors({ directory: join(root, randomUUID()), accessDirectory })
  const note = async (line: string) => void notes.push(line)
  const progress = (percent: number) => void told.push(percent)
  const { commitSha } = await cloneRepository(
    { mirrors, accessDirectory, gitLfs },
    { remote, ref, directory: tree, note, progress, timeoutMs: 30_000 },
    AbortSignal.timeout(30_000),
  )
  expect(await readdir(accessDirectory).catch(() => [])).toEqual([])
  return { commitSha, tree }
}

const fileRemote = (name = 'acme/shop') => ({ url: `file://${root}/remotes/${name}.git` })

/** Every path of a tree, links as what they point to. */
async function list(tree: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(tree.length + 1)
    if (entry.isSymbolicLink()) found[name] = `-> ${await readlink(path)}`
    else if (entry.isFile()) found[name] = await readFile(path, 'utf8')
  }
  return found
}

describe('what a clone is', () => {
  it('is the files of the commit and nothing of git', async () => {
    const commit = await repository.commit({ a: '1', 'b/c': '2', '.gitignore': 'x' })
    await symlink('/etc/passwd', join(repository.directory, 'link'))
    await repository.git('add', 'link')
    const next = await repository.commit({ a: '3' })
    const { commitSha, tree } = await clone(fileRemote())
    expect(commitSha).toBe(next)
    expect(await list(tree)).toEqual({
      a: '3',
      'b/c': '2',
      '.gitignore': 'x',
      link: '-> /etc/passwd',
    })
    expect(notes).toEqual([`Cloning ${fileRemote().url}`, `Checked out branch main at ${next}`])
    const older = await clone(fileRemote(), commit.slice(0, 10))
    expect(older.commitSha).toBe(commit)
    expect((await list(older.tree))['a']).toBe('1')
    expect(notes.at(-1)).toBe(`Checked out commit ${commit}`)
  })

  it.each(['v1', 'annotated', 'refs/tags/v1'])('is the commit of the tag %s', async (tag) => {
    const commit = await repository.commit({ a: '1' })
    await repository.git('tag', 'v1')
    await repository.git('tag', '--annotate', '--message', 'x', 'annotated')
    await repository.commit({ a: '2' })
    const url = await serveGit(repository)
    const { commitSha, tree } = await clone({ url }, tag)
    expect(commitSha).toBe(commit)
    expect((await list(tree))['a']).toBe('1')
  })

  it('tells how much of it is here', async () => {
    const files = Array.from({ length: 150 }, (_, n) => [`f${n}`, randomUUID()] as const)
    await repository.commit(Object.fromEntries(files))
    await clone({ url: await serveGit(repository) })
    expect(told.length).toBeGreaterThan(10)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBeGreaterThanOrEqual(90)
  })

  it('is of the branch as it is when it is fetched, although it moved meanwhile', async () => {
    await repository.commit({ a: '1' })
    let answers = 0
    let moved = ''
    const url = await serveGit(repository, {
      onRequest: async () => {
        // Behind the answer to what the branch is, before its commit is asked for.
        if (++answers !== 3) return
        await repository.git('checkout', '--quiet', '--orphan', 'fresh')
        moved = await repository.commit({ a: '2' }, 'fresh')
        await repository.git('branch', '--force', 'main', moved)
        await repository.git('reflog', 'expire', '--expire=now', '--all')
        await repository.git('prune', '--expire=now')
      },
    })
    const { commitSha, tree } = await clone({ url }, 'main')
    expect(moved).not.toBe('')
    expect(commitSha).toBe(moved)
    expect(await list(tree)).toEqual({ a: '2' })
  })
})

describe('why there can be none', () => {
  it.each([
    [null, 'is empty: it has no commit yet'],
    ['main', 'is empty: it has no commit yet'],
  ])('an empty repository, asked for %s', async (ref, message) => {
    await expect(clone(fileRemote(), ref)).rejects.toThrow(message)
  })

  it.each([
    ['no-such', 'There is no branch, tag or commit no-such'],
    ['a'.repeat(40), 'there is no such commit'],
    ['abcdef0', 'there is no such commit'],
  ])('there is no %s', async (ref, message) => {
    await repository.commit({ a: '1' })
    await expect(clone(fileRemote(), ref)).rejects.toThrow(message)
  })

  it('the repository is gone, or the password wrong, which is not shown', async () => {
    await expect(clone(fileRemote('acme/gone'))).rejects.toThrow('there is no such repository')
    await repository.commit({ a: '1' })
    const url = await serveGit(repository, { login: { username: 'bob', password: 'other' } })
    const denied = clone({ url, login })
    await expect(denied).rejects.toThrow(/can't be read: access was denied/)
    await expect(denied).rejects.not.toThrow(login.password)
  })

  it('an SSH server shows another host key than the one known of it', async () => {
    await repository.commit({ a: '1' })
    const sshd = await startSshd()
    const key = { kind: 'key', privateKey: sshd.lockedKey, passphrase: sshd.passphrase } as const
    const remote = { url: sshd.url(repository.directory), login: key, hostKeys: sshd.knownHost }
    expect(await list((await clone(remote)).tree)).toEqual({ a: '1' })
    await sshd.changeHostKey()
    await expect(clone(remote)).rejects.toThrow('the server shows another host key')
  })
})

/** Puts a commit of another repository at `path`, with what `.gitmodules` says. */
async function addSubmodule(
  parent: TestRepository,
  path: string,
  commit: string,
  settings: Record<string, string> | null,
): Promise<string> {
  if (settings !== null) {
    for (const [key, value] of Object.entries({ path, ...settings })) {
      await parent.git('config', '--file', '.gitmodules', `submodule.${path}.${key}`, value)
    }
    await parent.git('add', '.gitmodules')
  }
  await parent.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  await parent.git('commit', '--quiet', '--message', 'A submodule')
  return parent.git('rev-parse', 'HEAD')
}

describe('submodules', () => {
  let library: TestRepository
  beforeEach(async () => {
    await repository.commit({ a: '1' })
    library = await createRepository(join(root, 'remotes'), 'acme/lib')
  })

  it('are there, and those of submodules, wherever they are', async () => {
    const deep = await createRepository(join(root, 'remotes'), 'other/deep')
    const deepCommit = await deep.commit({ d: 'deep' })
    await library.commit({ l: 'lib' })
    const commit = await addSubmodule(library, 'sub/deep', deepCommit, {
      url: '../../other/deep.git',
    })
    await addSubmodule(repository, 'vendor/lib', commit, { url: '../lib.git' })
    const { tree } = await clone(fileRemote())
    const { '.gitmodules': first, 'vendor/lib/.gitmodules': second, ...files } = await list(tree)
    expect(files).toEqual({ a: '1', 'vendor/lib/l': 'lib', 'vendor/lib/sub/deep/d': 'deep' })
    expect([first, second].join('')).toContain('url = ../lib.git')
    expect(notes.slice(2)).toEqual([
      `Submodule vendor/lib: file://${root}/remotes/acme/lib.git at ${commit}`,
      `Submodule vendor/lib/sub/deep: file://${root}/remotes/other/deep.git at ${deepCommit}`,
    ])
  })

  it('of the same place are opened by what opens the repository, and no others', async () => {
    const commit = await library.commit({ l: 'lib' })
    const seen: (string | undefined)[] = []
    const onRequest = (authorization: string | undefined) => void seen.push(authorization)
    const elsewhere = await serveGit(library, { onRequest })
    await addSubmodule(repository, 'lib', commit, { url: elsewhere })
    const url = await serveGit(repository, { login })
    const { tree } = await clone({ url, login })
    expect((await list(tree))['lib/l']).toBe('lib')
    expect(seen.length).toBeGreaterThan(0)
    expect(new Set(seen)).toEqual(new Set([undefined]))
    // One that asks for a password gets none.
    const locked = await serveGit(library, { login, onRequest })
    await addSubmodule(repository, 'lib', commit, { url: locked })
    await expect(clone({ url, login })).rejects.toThrow(/^Submodule lib: .*no access/)
    expect(new Set(seen)).toEqual(new Set([undefined]))
  })

  it('of this machine are for repositories of this machine', async () => {
    const commit = await library.commit({ l: 'lib' })
    await addSubmodule(repository, 'lib', commit, { url: fileRemote('acme/lib').url })
    const url = await serveGit(repository)
    await expect(clone({ url })).rejects.toThrow('Submodule lib cannot be fetched: file: URLs')
    expect((await list((await clone(fileRemote())).tree))['lib/l']).toBe('lib')
  })

  it('may be left out, and are not run', async () => {
    const commit = await library.commit({ l: 'lib' })
    await addSubmodule(repository, 'none', commit, { url: '../lib.git', update: 'none' })
    await addSubmodule(repository, 'unknown', commit, null)
    await addSubmodule(repository, 'run', commit, {
      url: '../lib.git',
      update: `!touch ${root}/was-run`,
    })
    const { tree } = await clone(fileRemote())
    expect(Object.keys(await list(tree)).toSorted()).toEqual(['.gitmodules', 'a', 'run/l'])
    expect(notes).toContain(
      'Warning: submodule unknown is left empty: .gitmodules does not say where it is',
    )
    expect(notes).toContain('Warning: submodule none is left empty: .gitmodules says so')
    expect(await readdir(root)).not.toContain('was-run')
  })

  it('end somewhere, also where a repository is its own', async () => {
    const first = await repository.git('rev-parse', 'HEAD')
    // Every clone of it is to have another one inside.
    await addSubmodule(repository, 'self', first, { url: './../shop.git' })
    let commit = await repository.git('rev-parse', 'HEAD')
    for (let n = 0; n < 12; n++)
      commit = await addSubmodule(repository, 'self', commit, { url: '../shop.git' })
    await expect(clone(fileRemote())).rejects.toThrow('is one of more than 10 within each other')
  }, 60_000)

  it('that cannot be had say which and why', async () => {
    await addSubmodule(repository, 'lib', 'a'.repeat(40), { url: '../gone.git' })
    await expect(clone(fileRemote())).rejects.toThrow(/^Submodule lib: .*no such repository/)
  })
})

describe('what Git LFS keeps', () => {
  const content = 'large '.repeat(1000)

  beforeEach(async () => {
    await repository.git('config', 'receive.denyCurrentBranch', 'ignore')
    const work = await createRepository(join(root, 'work'), 'acme/shop')
    await work.git('lfs', 'install', '--local')
    await work.commit({
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      'a.bin': content,
      'plain.txt': 'plain',
      'not-a-pointer.txt': 'version https://git-lfs.github.com/spec/v1\n',
    })
    await work.git('remote', 'add', 'origin', fileRemote().url)
    await work.git('push', '--quiet', 'origin', 'HEAD:main')
  })

  it('is fetched, and its store does not stay', async () => {
    const { tree } = await clone(fileRemote())
    const files = await list(tree)
    expect(files['a.bin']).toBe(content)
    expect(Object.keys(files).toSorted()).toEqual([
      '.gitattributes',
      'a.bin',
      'not-a-pointer.txt',
      'plain.txt',
    ])
    expect(notes.at(-1)).toBe('Fetching 1 file that Git LFS keeps')
  })

  it('stays behind pointers where git-lfs is missing, and the log says so', async () => {
    const { tree } = await clone(fileRemote(), null, { gitLfs: async () => false })
    expect((await list(tree))['a.bin']).toMatch(/^version https:\/\/git-lfs/)
    expect(notes.at(-1)).toBe(
      'Warning: git-lfs is not installed: 1 file that Git LFS keeps stay pointers',
    )
  })

  it('is an error where it is gone', async () => {
    await rm(join(repository.directory, '.git', 'lfs'), { recursive: true })
    await expect(clone(fileRemote())).rejects.toThrow('What Git LFS keeps cannot be fetched: ')
  })

  it('is not fetched from where a submodule could not be', async () => {
    await mkdir(join(root, 'elsewhere'))
    await writeFile(join(root, 'elsewhere', 'x'), '')
    await repository.git('reset', '--hard', '--quiet')
    await repository.commit({ '.lfsconfig': '[lfs]\n\turl = git@other.test:x.git\n' })
    await expect(clone(fileRemote())).rejects.toThrow('for which this build has no key')
  })
})
