import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CreateReleaseResponse } from '@slipway/contract/releases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { type CliResult, runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// `slipway release` as a person types it, against a real server.

const name = 'acme/shop'
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

function commit(artifacts: object = {}): Promise<string> {
  return repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: {} }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      artifacts,
      release: { on: [{ manual: true }] },
    }),
  })
}

function slipway(args: readonly string[], cwd?: string): Promise<CliResult> {
  return runCli(['release', ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token },
  })
}

/** A clone, whose remote names the repository. */
async function clone(): Promise<string> {
  const directory = join(await temporaryDirectory(), 'shop')
  execFileSync('git', ['clone', '-q', repository.directory, directory])
  return directory
}

describe('slipway release', () => {
  it('create takes repository and commit from the checkout and prints the id', async () => {
    const sha = await commit()
    const { code, out, err } = await slipway(['create', 'api'], await clone())
    expect(code).toBe(0)
    const release = await server.json<{ commit_sha: string; release_number: number }>(
      'GET',
      `/v1/releases/${out.trim()}`,
    )
    expect(release.commit_sha).toBe(sha)
    expect(err).toContain(`Release #${release.release_number} of api`)
  })

  it('create takes a revision, and as JSON prints the whole answer', async () => {
    const first = await commit()
    await commit()
    const result = await slipway(['create', 'api', '-c', 'HEAD~1', '--json'], await clone())
    const made = JSON.parse(result.out) as CreateReleaseResponse
    expect(made.canonical_id).toBe(`${name}/api/${first}`)
  })

  it('create says where the release is that the commit has already', async () => {
    const args = ['create', 'api', '-r', name, '-c', await commit()]
    const made = await slipway(args)
    const again = await slipway(args)
    expect(again.code).toBe(4)
    expect(again.err).toContain('is release #')
    expect(again.err).toContain(`slipway release show ${made.out.trim()}`)
  })

  it('create takes artifacts from a file, and tells what a file lacks', async () => {
    const sha = await commit({ tool: { type: 'binary', producer: { path: 'tool' } } })
    const file = join(await temporaryDirectory(), 'artifacts.json')
    const args = ['create', 'api', '-r', name, '-c', sha]
    const missing = await slipway(args)
    expect(missing.code).toBe(4)
    expect(missing.err).toContain('the artifact tool')
    await writeFile(file, '{}')
    const noList = await slipway([...args, '--artifacts', file])
    expect(noList.code).toBe(2)
    expect(noList.err).toContain('There is no JSON list')
    const tool = {
      name: 'tool',
      type: 'binary',
      tracking_oci_uri: 'registry.test/tool:sha-1',
      primary_published_uri: 's3://tools/tool',
    }
    await writeFile(file, JSON.stringify([tool]))
    const made = await slipway([...args, '--artifacts', file])
    expect(made.code).toBe(0)
    const shown = await slipway(['show', made.out.trim()])
    expect(shown.out).toContain('tool (binary) s3://tools/tool')
  })

  it('list shows them newest first, and how to go on', async () => {
    await slipway(['create', 'api', '-r', name, '-c', await commit()])
    const sha = await commit()
    await slipway(['create', 'api', '-r', name, '-c', sha])
    const { code, out, err } = await slipway(['list', 'api', '-r', name, '-n', '1'])
    expect(code).toBe(0)
    const [header = '', row = ''] = out.split('\n')
    expect(header).toMatch(/^RELEASE +COMMIT +TRIGGER/)
    expect(row).toContain(sha.slice(0, 8))
    expect(err).toMatch(/1 of \d+; go on with --offset 1/)
    const none = await slipway(['list', 'nothing', '-r', name])
    expect(none).toMatchObject({ code: 0, out: '' })
    expect(none.err).toContain('slipway release create nothing')
  })

  it('show finds one by number, commit, alias and id', async () => {
    const sha = await commit()
    const id = (await slipway(['create', 'api', '-r', name, '-c', sha])).out.trim()
    expect((await slipway(['alias', 'api', sha, 'shown', '-r', name])).code).toBe(0)
    for (const which of [['api', sha], ['api', sha.slice(0, 8)], ['api', 'shown'], [id]]) {
      const { code, out } = await slipway(['show', ...which, '-r', name])
      expect(code).toBe(0)
      for (const word of [sha, 'shown', 'sha256:', id]) expect(out).toContain(word)
    }
    const incomplete = await slipway(['show', 'api'])
    expect(incomplete.code).toBe(2)
    expect(incomplete.err).toContain('slipway release show api 42')
  })

  it('alias gives, moves and takes away a name', async () => {
    const [first, second] = [await commit(), await commit()]
    for (const sha of [first, second]) await slipway(['create', 'api', '-r', name, '-c', sha])
    const alias = (...more: string[]) => slipway(['alias', 'api', ...more, '-r', name])
    const given = await alias(first, 'stable')
    expect(given).toMatchObject({ code: 0, out: '' })
    expect(given.err).toMatch(/stable names release #\d+/)
    const refused = await alias(second, 'stable')
    expect(refused.code).toBe(4)
    expect(refused.err).toContain('move=true')
    expect((await alias(second, 'stable', '--move')).code).toBe(0)
    const shown = await slipway(['show', 'api', 'stable', '-r', name, '--json'])
    expect(JSON.parse(shown.out)).toMatchObject({ commit_sha: second })
    expect((await alias(second, 'stable', '--delete')).code).toBe(0)
    expect((await slipway(['show', 'api', 'stable', '-r', name])).code).toBe(4)
    expect((await alias(second, 'x', '--delete', '--move')).code).toBe(2)
  })

  it('asks for the repository where nothing says it', async () => {
    const { code, err } = await slipway(['list', 'api'], await temporaryDirectory())
    expect(code).toBe(2)
    expect(err).toContain('--repository')
  })
})
