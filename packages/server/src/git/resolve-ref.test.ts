import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRepository, type TestRepository } from '../../../../test/support/git-repository.ts'
import { openRemote } from './open-remote.ts'
import { resolveRef } from './resolve-ref.ts'

let root: string
let repository: TestRepository
const commits: Record<string, string> = {}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-ref-'))
  repository = await createRepository(root, 'acme/shop')
  commits['first'] = await repository.commit({ a: '1' })
  await repository.git('tag', 'plain')
  await repository.git('tag', '--annotate', '--message', 'x', 'annotated')
  commits['main'] = await repository.commit({ a: '2' })
  await repository.git('tag', 'both')
  commits['both'] = await repository.commit({ a: '3' }, 'both')
  commits['nested'] = await repository.commit({ a: '4' }, 'release/main')
  await repository.git('checkout', '--quiet', 'main')
  return () => rm(root, { recursive: true, force: true })
})

async function resolve(ref: string | null, url = `file://${root}/acme/shop.git`) {
  const access = await openRemote({ directory: join(root, 'access') }, { url })
  onTestFinished(() => access.close())
  return resolveRef(access, ref, AbortSignal.timeout(20_000))
}

describe('resolveRef', () => {
  it.each([
    [null, 'branch', 'main', 'main'],
    ['main', 'branch', 'main', 'main'],
    ['refs/heads/main', 'branch', 'main', 'main'],
    ['release/main', 'branch', 'release/main', 'nested'],
    ['plain', 'tag', 'plain', 'first'],
    ['annotated', 'tag', 'annotated', 'first'],
    ['refs/tags/annotated', 'tag', 'annotated', 'first'],
    ['both', 'branch', 'both', 'both'],
    ['refs/tags/both', 'tag', 'both', 'main'],
  ])('finds %s', async (ref, kind, name, commit) => {
    expect(await resolve(ref)).toEqual({ kind, name, commit: commits[commit] })
  })

  it('takes what looks like a commit for one, without asking for it', async () => {
    const sha = 'ABCDEF0123456789abcdef0123456789abcdef01'
    const nowhere = `file://${root}/nowhere.git`
    const commit = sha.toLowerCase()
    expect(await resolve(sha, nowhere)).toEqual({ kind: 'commit', name: sha, commit })
    expect(await resolve('ABCDEF0')).toEqual({ kind: 'commit', name: 'ABCDEF0', commit: 'abcdef0' })
  })

  it.each(['no-such', 'refs/heads/plain', 'mai', 'shop', 'heads/main'])(
    'says that there is no %s',
    async (ref) => {
      const found = resolve(ref)
      await expect(found).rejects.toThrow(`There is no branch, tag or commit ${ref} in file:`)
      await expect(found).rejects.toMatchObject({ permanent: true })
    },
  )

  it.each(['-x', 'a..b', 'a b', 'HEAD:x', 'a*'])('refuses %j, which is no name', async (ref) => {
    await expect(resolve(ref)).rejects.toThrow('The ref ')
  })

  it('says that a repository is empty, or is not there', async () => {
    await createRepository(root, 'acme/empty')
    const url = `file://${root}/acme/empty.git`
    await expect(resolve(null, url)).rejects.toThrow('is empty: it has no commit yet')
    await expect(resolve('main', url)).rejects.toThrow('is empty: it has no commit yet')
    const gone = resolve(null, `file://${root}/acme/gone.git`)
    await expect(gone).rejects.toThrow('there is no such repository')
    await expect(gone).rejects.toMatchObject({ permanent: true })
  })

  it('says that there is no default branch where HEAD names none', async () => {
    const odd = await createRepository(root, 'acme/odd')
    await odd.commit({ a: '1' }, 'work')
    await odd.git('symbolic-ref', 'HEAD', 'refs/heads/unborn')
    const url = `file://${root}/acme/odd.git`
    await expect(resolve(null, url)).rejects.toThrow('has no default branch: name the one')
    expect(await resolve('work', url)).toMatchObject({ name: 'work' })
  })
})
