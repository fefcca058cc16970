// The examples of the Enhanced Pipeline API Documentation, word for word as far as they go, on a real server
// with a real repository: what a client written by that document meets.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BuildResponse,
  ExecuteBuildResponse,
  ListBuildOutputsResponse,
} from '@slipway/contract/builds'
import { BuildFrame } from '@slipway/contract/build-socket'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { callTool, connectMcp, refusalOf } from '../support/mcp-client.ts'
import { readZip } from '../support/read-zip.ts'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { connectSocket } from '../support/socket-client.ts'

const files = {
  'README.md': '# Open WebUI\n',
  'src/app.js': "export const name = 'Open WebUI'\n",
  'static/ünïcode.txt': 'text\n',
}

let server: TestServer
let official: TestRepository
let commit: string

beforeAll(async () => {
  server = await startTestServer({ OFFICIAL_REPOSITORY_URL: 'file:///nowhere' })
  official = await createRepository(server.repositories, 'open-webui/open-webui')
  commit = await official.commit(files)
  await server.stop()
  await server.restart({ OFFICIAL_REPOSITORY_URL: `file://${official.directory}` })
})
afterAll(() => server.close())

async function ask(
  method: string,
  path: string,
  {
    expect: status = 200,
    ...options
  }: Parameters<TestServer['request']>[2] & { expect?: number } = {},
): Promise<unknown> {
  const response = await server.request(method, path, options)
  const text = await response.text()
  expect(response.status, text).toBe(status)
  return JSON.parse(text)
}
function checked(schema: TSchema, answer: unknown): Record<string, never> {
  expect(Value.Errors(schema, answer)).toEqual([])
  return answer as Record<string, never>
}

const example1 = { steps_to_execute: ['clone_repo', 'create_zip'], output_type: 'zip' }

async function namesAndBytes(zip: Buffer): Promise<Record<string, string>> {
  const entries = await readZip(zip)
  return Object.fromEntries(
    entries
      .filter(({ name }) => !name.toString().endsWith('/'))
      .map(({ name, content }) => [name.toString(), content.toString()]),
  )
}

describe('examples 1 and 3: create, execute, look, download', () => {
  it('goes as the document has it', { timeout: 60_000 }, async () => {
    const created = checked(
      BuildResponse,
      await ask('POST', '/api/pipelines/runs', { body: example1, expect: 201 }),
    )
    expect(created).toMatchObject({
      success: true,
      pipeline_run: {
        status: 'pending',
        steps_to_execute: ['clone_repo', 'create_zip'],
        git_repository_id: null,
        output_type: 'zip',
        registry_id: null,
        completed_at: null,
        logs: 'Pipeline run created. Waiting for execution.\n',
      },
    })
    const { id } = created['pipeline_run'] as unknown as { id: number }
    const follower = await connectSocket(`${server.url}/api/pipelines/runs/${id}/ws`, {
      token: server.token,
    })

    const executed = await ask('POST', `/api/pipelines/runs/${id}/execute`)
    checked(ExecuteBuildResponse, executed)
    expect(executed).toMatchObject({
      success: true,
      execution_result: {
        success: true,
        message: 'Pipeline completed successfully with 1 output(s)',
      },
    })

    const logs = await server.request('GET', `/api/pipelines/runs/${id}/logs`)
    expect(logs.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const text = await logs.text()
    const lines = text.replace(/\n$/, '').split('\n')
    const stamp = /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z\] /
    for (const line of lines) expect(line).toMatch(stamp)
    const said = lines.map((line) => line.replace(stamp, ''))
    const documented = [
      'Pipeline run created. Waiting for execution.',
      'Starting pipeline execution...',
      'Executing step: Clone Git Repository',
      '✓ Step completed: Clone Git Repository',
      'Executing step: Create ZIP Archive',
      '✓ Step completed: Create ZIP Archive',
      'Pipeline completed successfully. Generated 1 output(s).',
    ]
    expect(said.filter((line) => documented.includes(line))).toEqual(documented)
    expect(text).toContain(commit)

    const outputs = checked(
      ListBuildOutputsResponse,
      await ask('GET', `/api/pipelines/runs/${id}/outputs`),
    )
    expect(outputs).toMatchObject({ success: true, count: 1 })
    const [output] = outputs['build_outputs'] as unknown as [Record<string, unknown>]
    const day = 86_400_000
    const { created_at: createdAt, expires_at: expiresAt, download_url: url } = output
    expect(Date.parse(String(expiresAt)) - Date.parse(String(createdAt))).toBe(7 * day)
    expect(url).toBe(`/api/pipelines/outputs/${output['id'] as number}/download`)
    expect(output).toMatchObject({ output_type: 'zip', download_count: 0 })

    const download = await server.request('GET', String(url))
    expect(download.headers.get('content-disposition')).toMatch(
      /^attachment; filename="open_webui_custom_\d{8}_\d{6}\.zip"/,
    )
    const zip = Buffer.from(await download.arrayBuffer())
    const sha256 = createHash('sha256').update(zip)
    expect(zip.length).toBe(output['file_size_bytes'])
    expect(sha256.copy().digest('hex')).toBe(output['checksum_sha256'])
    expect(download.headers.get('repr-digest')).toBe(`sha-256=:${sha256.digest('base64')}:`)
    expect(await namesAndBytes(zip)).toEqual(files)

    // What was followed is what the log has, to the line.
    expect(await follower.closed).toMatchObject({ code: 1000 })
    for (const frame of follower.messages) checked(BuildFrame, frame)
    const followed = follower.messages.filter(({ type }) => type === 'log')
    expect(
      followed.map(({ timestamp, line }) => `[${timestamp as string}] ${line as string}`),
    ).toEqual(lines)
    expect(followed.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1))
    expect(follower.messages.at(-1)).toEqual({ type: 'end', status: 'completed' })
  })

  it('gives the SDK examples what they read', { timeout: 60_000 }, async () => {
    const { pipeline_run: created } = (await ask('POST', '/api/pipelines/runs', {
      body: example1,
      expect: 201,
    })) as { pipeline_run: { id: number } }
    // The Python example waits for the execution, and polls all the same.
    await ask('POST', `/api/pipelines/runs/${created.id}/execute`)
    const { pipeline_run: run } = (await ask('GET', `/api/pipelines/runs/${created.id}`)) as {
      pipeline_run: {
        status: string
        build_outputs: unknown[]
        repository_info: object
        logs: string
      }
    }
    expect(['completed', 'failed']).toContain(run.status)
    expect(run.build_outputs).toHaveLength(1)
    expect(run.repository_info).toMatchObject({ id: null, is_verified: true })
    expect(run.logs).toContain('✓ Step completed: Create ZIP Archive')
    const { runs } = (await ask('GET', '/api/pipelines/runs?status=completed')) as {
      runs: { id: number }[]
    }
    expect(runs.map(({ id }) => id)).toContain(created.id)
  })
})

it('is done by MCP clients, who are told where the file is', { timeout: 60_000 }, async () => {
  const client = await connectMcp(server.url, server.token)
  const { pipeline_run: made } = await callTool<{ pipeline_run: { id: number } }>(
    client,
    'create_build',
    example1,
  )
  const { id } = made
  const begun = await callTool(client, 'execute_build', { id, wait: false })
  expect(begun).toMatchObject({ success: true })
  const show = () => callTool<{ pipeline_run: object }>(client, 'get_build', { id })
  await expect
    .poll(show, { timeout: 30_000 })
    .toMatchObject({ pipeline_run: { status: 'completed' } })
  expect(await callTool(client, 'list_build_outputs', { id })).toMatchObject({
    build_outputs: [
      { download_url: expect.stringMatching(/^\/api\/pipelines\/outputs\/\d+\/download$/) },
    ],
  })
  const log = await client.callTool({ name: 'get_build_logs', arguments: { id, tail: 1 } })
  expect(log.content).toEqual([
    {
      type: 'text',
      text: expect.stringMatching(
        /\] Pipeline completed successfully\. Generated 1 output\(s\)\.\n$/,
      ),
    },
  ])
  expect(
    await refusalOf(client, 'create_build', { ...example1, steps_to_execute: ['create_zip'] }),
  ).toEqual({
    error: 'Validation error',
    message: expect.stringContaining('must have clone_repo, which create_zip needs'),
  })
})

describe('slipway build', () => {
  const cli = (args: string[], options: Parameters<typeof runCli>[1] = {}) =>
    runCli(args, { ...options, env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token } })

  it('makes a package from start to file', { timeout: 120_000 }, async () => {
    const cwd = await temporaryDirectory()
    const watched = await cli(['build', 'create', '--watch'])
    expect(watched.code, watched.err).toBe(0)
    const id = /^build (\d+) {2}created\n/.exec(watched.out)?.[1] ?? ''
    expect(watched.out).toMatch(/\nclone_repo {2}completed {2}\S+\n/)
    expect(watched.out).toMatch(/\ncreate_zip {2}completed {2}\S+\nbuild \d+ {2}completed {2}\S+\n/)
    expect(watched.out).toMatch(/\nzip {2}open_webui_custom_\d{8}_\d{6}\.zip {2}\S+ \S+\n$/)
    expect(watched.err).toContain(`Get it: slipway build download ${id}\n`)

    const got = await cli(['build', 'download', id], { cwd })
    expect(got.code, got.err).toBe(0)
    const [name = ''] = await readdir(cwd)
    expect(got).toMatchObject({ out: `${join(cwd, name)}\n`, err: '' })
    expect(await namesAndBytes(await readFile(join(cwd, name)))).toEqual(files)

    const logs = await cli(['build', 'logs', id, '-f'])
    expect(logs.code, logs.err).toBe(0)
    expect(logs.out.split('\n')[0]).toMatch(
      /^\[\S+Z\] Pipeline run created\. Waiting for execution\.$/,
    )
    expect(logs.out).toContain('Pipeline completed successfully. Generated 1 output(s).\n')
    const last = await cli(['build', 'logs', id, '-n', '1', '--json'])
    expect(JSON.parse(last.out)).toEqual({
      seq: logs.out.split('\n').length - 1,
      timestamp: expect.stringMatching(/Z$/),
      line: 'Pipeline completed successfully. Generated 1 output(s).',
    })
    const shown = await cli(['build', 'show', id])
    expect(shown.out).toContain(`open-webui/open-webui ${commit.slice(0, 8)}\n✔ build ${id}`)
    const outputs = await cli(['build', 'outputs', id])
    expect(outputs.out).toMatch(/^OUTPUT +TYPE +WHAT +SIZE +EXPIRES +DIGEST\n\d+ +zip +open_webui_/)
    const list = await cli(['build', 'list', '--status', 'completed', '-n', '1'])
    expect(list.out).toMatch(
      new RegExp(`^BUILD +STATUS +.*\\n${id} +completed +open-webui/open-webui +- +zip`),
    )
  })

  it('says why a build failed, and tries it again', { timeout: 120_000 }, async () => {
    const failed = await cli(['build', 'create', '--watch', '--ref', 'no-such-branch'])
    expect(failed.code, failed.err).toBe(1)
    const id = /^build (\d+) /.exec(failed.out)?.[1] ?? ''
    expect(failed.out).toContain('no-such-branch')
    expect(failed.out).toContain('── the end of its log')
    const again = await cli(['build', 'retry', id, '--watch', '--json'])
    expect(again.code).toBe(1)
    const states = again.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(states.at(-1)).toMatchObject({
      status: 'failed',
      failure_reason: 'step_failed',
      retry_of: Number(id),
    })
  })

  it('begins later, is cancelled, and is counted', { timeout: 120_000 }, async () => {
    const made = await cli(['build', 'create', '-o', 'zip', '--param', 'edition=gold'])
    expect(made.code, made.err).toBe(0)
    const id = made.out.trim()
    expect(made.err).toBe(`Begin it: slipway build execute ${id}\n`)
    expect((await cli(['build', 'cancel', id])).err).toBe(`Cancelled ${id}\n`)
    const late = await cli(['build', 'execute', id])
    expect(late.code).toBe(4)
    expect((await cli(['build', 'watch', id])).code).toBe(3)
    const nothing = await cli(['build', 'download', id])
    expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('nothing to download') })
    const stats = await cli(['build', 'stats', '--json'])
    expect(JSON.parse(stats.out)).toMatchObject({ period_days: 30, total_runs: expect.any(Number) })
    expect((await cli(['build', 'stats'])).out).toContain('Builds of the last 30 days\n')
    expect((await cli(['build', 'steps'])).out).toMatch(
      /^STEP +NEEDS +WHAT IT DOES\nclone_repo +- /,
    )
    expect((await cli(['build', 'cleanup'])).err).toBe('Removed 0 files and 0 images\n')
  })

  it.each([
    [['build', 'show', 'x'], 2, 'x is no number of a build'],
    [['build', 'show', '2147483647'], 4, 'There is no pipeline run 2147483647'],
    [['build', 'create', '-r', 'nobody/nothing'], 4, 'No repository has the name nobody/nothing'],
    [
      ['build', 'create', '--step', 'create_zip', 'wash_dishes'],
      4,
      '/steps_to_execute/1 must be one of clone_repo',
    ],
    [['build', 'create', '-o', 'tar'], 2, 'Allowed choices are'],
    [['build', 'create', '--param', 'novalue'], 2, 'novalue is no name=value'],
    [['build', 'list', '--limit', '0'], 2, 'whole number from 1 to 1000'],
  ])('refuses %j', async (args, code, message) => {
    const refused = await cli(args)
    expect(refused.err).toContain(message)
    expect(refused.code).toBe(code)
  })
})
