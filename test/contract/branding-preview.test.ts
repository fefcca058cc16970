import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrandingPreview } from '@slipway/contract/branding'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type BrandingApp, createBrandingApp, png, templatesPath } from '../support/branding-app.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'

let test: BrandingApp
let root: string
let repository: TestRepository
let commit: string
let repositoryId: number
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-preview-'))
  repository = await createRepository(root, 'acme/official')
  await repository.commit({ 'old.txt': 'Open WebUI of old\n' })
  await repository.git('tag', 'v1')
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`)
  commit = await repository.commit({
    'README.md': 'Open WebUI\n',
    'src/app.html': [...lines, 'Open WebUI and Open WebUI', ...lines, ''].join('\n'),
    'static/logo.png': 'old',
    'static/same.png': png.toString('latin1'),
    'old.txt': null,
  })
  test = await createBrandingApp({
    official: { name: 'acme/official', url: `file://${repository.directory}`, branch: 'main' },
  })
  const answer = await test.request('POST', '/api/repositories', {
    body: { name: 'acme/registered', repository_url: `file://${repository.directory}` },
  })
  repositoryId = answer.json<{ repository: { id: number } }>().repository.id
})
afterAll(async () => {
  await test.close()
  await rm(root, { recursive: true })
})

const rules = [{ pattern: 'Open WebUI', replacement: '{{brand_name}}', files: [] as string[] }]
const preview = (id: number, body: object = {}, token?: string) =>
  test.request('POST', `${templatesPath}/${id}/preview`, {
    body,
    ...(token === undefined ? {} : { token }),
  })
async function previewed(id: number, body: object = {}): Promise<BrandingPreview> {
  const answer = await preview(id, body)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json<{ preview: BrandingPreview }>().preview
}

describe('POST /api/branding/templates/{id}/preview', () => {
  it('shows what a template would do to the official repository, and leaves nothing behind', async () => {
    const { id } = await test.template({ brand_name: 'Acme Chat', replacement_rules: rules })
    const create = await test.asset(id, { target_path: 'static/new/logo.png' })
    const replace = await test.asset(id, { target_path: 'static/logo.png' })
    const answer = await preview(id)
    expect(answer.json()).toEqual({
      success: true,
      preview: {
        repository: { id: null, name: 'acme/official' },
        ref: 'main',
        commit_sha: commit,
        files_scanned: 3,
        files_changed: 2,
        replacements: 3,
        files: [
          {
            path: 'README.md',
            replacements: 1,
            diff: '--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-Open WebUI\n+Acme Chat\n',
            truncated: false,
          },
          {
            path: 'src/app.html',
            replacements: 2,
            diff: [
              '--- a/src/app.html',
              '+++ b/src/app.html',
              '@@ -18,7 +18,7 @@',
              ' line 17',
              ' line 18',
              ' line 19',
              '-Open WebUI and Open WebUI',
              '+Acme Chat and Acme Chat',
              ' line 0',
              ' line 1',
              ' line 2',
              '',
            ].join('\n'),
            truncated: false,
          },
        ],
        truncated: false,
        rules: [{ pattern: 'Open WebUI', replacements: 3, files: 2 }],
        assets: [
          {
            id: replace.id,
            target_path: 'static/logo.png',
            size_bytes: png.length,
            action: 'replace',
          },
          {
            id: create.id,
            target_path: 'static/new/logo.png',
            size_bytes: png.length,
            action: 'create',
          },
        ],
        warnings: [],
      },
    })
    expect(await readdir(test.previewsDirectory)).toEqual([])
  })

  it('shows it for a ref of a registered repository', async () => {
    const { id } = await test.template({ replacement_rules: rules })
    const tag = await previewed(id, { repository_id: repositoryId, ref: 'v1' })
    expect(tag).toMatchObject({
      repository: { id: repositoryId, name: 'acme/registered' },
      ref: 'v1',
      files_changed: 1,
      files: [{ path: 'old.txt' }],
      warnings: ['{{brand_name}} has no value and stays as it is'],
    })
    expect(tag.commit_sha).not.toBe(commit)
    const byCommit = await previewed(id, { repository_id: repositoryId, ref: commit })
    expect(byCommit).toMatchObject({ commit_sha: commit, ref: commit, files_changed: 2 })
    expect(await previewed(id, { repository_id: repositoryId })).toMatchObject({ ref: 'main' })
  })

  it('tries rules, a brand name and variables that are stored nowhere', async () => {
    const template = await test.template({ brand_name: 'Stored', replacement_rules: rules })
    const { id } = template
    const tried = await previewed(id, {
      brand_name: 'Tried',
      variables: { edition: 'Pro', number: 3, flag: true },
      replacement_rules: [
        {
          pattern: 'Open (Web)UI',
          replacement: '{{brand_name}} {{edition}} {{number}} {{flag}} $1',
          use_regex: true,
          files: ['*.md'],
        },
        { pattern: 'nowhere', replacement: '' },
      ],
    })
    expect(tried.files.map(({ diff }) => diff)).toEqual([
      '--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-Open WebUI\n+Tried Pro 3 true Web\n',
    ])
    expect(tried.rules).toEqual([
      { pattern: 'Open (Web)UI', replacements: 1, files: 1 },
      { pattern: 'nowhere', replacements: 0, files: 0 },
    ])
    expect(tried.warnings).toEqual(['Rule 2 (nowhere) matched nothing'])
    const after = (await test.request('GET', `${templatesPath}/${id}`)).json()
    expect(after.template).toEqual(template)
    // A parameter of a build comes before the template's own name.
    const named = await previewed(id, { variables: { brand_name: 'Given' } })
    expect(named.files[0]?.diff).toContain('+Given')
  })

  it('shows no more than it is asked for', async () => {
    const { id } = await test.template({ replacement_rules: rules })
    const one = await previewed(id, { limit: 1 })
    expect(one).toMatchObject({ files_changed: 2, truncated: true })
    expect(one.files).toHaveLength(1)
    const long = Array.from({ length: 3_000 }, (_, at) => `Open WebUI ${at} ${'x'.repeat(40)}\n`)
    await repository.commit({ 'long.txt': long.join('') }, 'long')
    await repository.git('checkout', '--quiet', 'main')
    const large = await previewed(id, { ref: 'long' })
    const shown = large.files.find(({ path }) => path === 'long.txt')
    expect(shown).toMatchObject({ replacements: 3_000, truncated: true })
    expect(shown?.diff.length).toBeLessThanOrEqual(64 * 1024)
    expect(shown?.diff.endsWith('\n')).toBe(true)
  })

  it('says of assets that cannot be put there, and of submodules', async () => {
    const other = await createRepository(root, 'acme/links')
    await symlink('/etc', join(other.directory, 'out'))
    await other.git('add', 'out')
    await other.commit({ '.gitmodules': '', 'folder/file': '', 'same.bin': 'x' })
    const answer = await test.request('POST', '/api/repositories', {
      body: { name: 'acme/links', repository_url: `file://${other.directory}` },
    })
    const { id } = await test.template()
    await test.asset(id, { target_path: 'out/logo.png' })
    await test.asset(id, {
      asset_type: 'other',
      target_path: 'folder',
      file: { bytes: 'x', name: 'x' },
    })
    await test.asset(id, {
      asset_type: 'other',
      target_path: 'same.bin',
      file: { bytes: 'x', name: 'x' },
    })
    const seen = await previewed(id, { repository_id: answer.json().repository.id })
    expect(seen.assets.map(({ target_path, action }) => [target_path, action])).toEqual([
      ['folder', 'refused'],
      ['out/logo.png', 'refused'],
      ['same.bin', 'unchanged'],
    ])
    expect(seen.warnings).toEqual([
      'folder is a folder',
      'out/logo.png leads out of the repository: out is a link',
      'Submodules are branded in builds, and not part of a preview',
    ])
  })

  it.each<[object, number, string, string]>([
    [{ ref: 'nowhere' }, 404, 'Resource not found', 'There is no branch, tag or commit nowhere'],
    [{ ref: 'a..b' }, 404, 'Resource not found', 'must not contain ".."'],
    [{ ref: 'f'.repeat(40) }, 404, 'Resource not found', 'no such commit'],
    [{ repository_id: 999_999 }, 404, 'Resource not found', 'There is no repository 999999'],
    [
      { replacement_rules: [{ pattern: '(', replacement: '', use_regex: true }] },
      400,
      'Validation error',
      '/replacement_rules/0/pattern',
    ],
    [{ limit: 0 }, 400, 'Validation error', '/limit'],
    [{ limit: 101 }, 400, 'Validation error', '/limit'],
    [{ variables: { a: {} } }, 400, 'Validation error', '/variables/a'],
    [{ other: 1 }, 400, 'Validation error', '/other'],
  ])('refuses %j', async (body, status, error, why) => {
    const { id } = await test.template()
    const answer = await preview(id, body)
    expect([answer.statusCode, answer.json().error]).toEqual([status, error])
    expect(answer.json().message).toContain(why)
    expect(await readdir(test.previewsDirectory)).toEqual([])
  })

  it('says so where the repository cannot be reached', async () => {
    const answer = await test.request('POST', '/api/repositories', {
      body: { name: 'acme/away', repository_url: 'http://127.0.0.1:1/x.git' },
    })
    const { id } = await test.template()
    const away = await preview(id, { repository_id: answer.json().repository.id })
    expect([away.statusCode, away.json().error]).toEqual([503, 'Service unavailable'])
    expect(away.json().message).toContain('http://127.0.0.1:1/x.git')
  })

  it('runs few at once, each within its time', async () => {
    const limited = await createBrandingApp({
      official: { name: 'acme/official', url: `file://${repository.directory}`, branch: 'main' },
      previewTimeoutMs: 0,
    })
    onTestFinished(limited.close)
    const late = await limited.template()
    const answer = await limited.request('POST', `${templatesPath}/${late.id}/preview`, {
      body: {},
    })
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'Service unavailable'])
    expect(answer.json().message).toContain('took longer than 0 s')

    const { id } = await test.template({ replacement_rules: rules })
    const answers = await Promise.all([preview(id), preview(id), preview(id)])
    const statuses = answers.map(({ statusCode }) => statusCode)
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    const refused = answers.find(({ statusCode }) => statusCode === 503)
    expect(refused?.json().message).toContain('2 previews are running already')
    expect(refused?.headers['retry-after']).toBe('10')
    expect((await preview(id)).statusCode).toBe(200)
  })

  it('gives a pattern up that takes too long for a text, wherever else it is quick', async () => {
    // Each a is a start from which all that follows is looked through: quadratic in every engine.
    await repository.commit({ 'evil.txt': 'a'.repeat(3_000_000) }, 'evil')
    await repository.git('checkout', '--quiet', 'main')
    const limited = await createBrandingApp({
      official: { name: 'acme/official', url: `file://${repository.directory}`, branch: 'main' },
      previewTimeoutMs: 3_000,
    })
    onTestFinished(limited.close)
    const { id } = await limited.template()
    const answer = await limited.request('POST', `${templatesPath}/${id}/preview`, {
      body: {
        ref: 'evil',
        replacement_rules: [{ pattern: 'a.*z|a', replacement: 'b', use_regex: true }],
      },
    })
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'Service unavailable'])
    expect(answer.json().message).toContain('took longer than 3 s')
    expect(await readdir(limited.previewsDirectory)).toEqual([])
  })
})
