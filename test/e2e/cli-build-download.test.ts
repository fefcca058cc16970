import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'
import { type Answer, json, type Seen, serve } from '../support/scripted-server.ts'

// What `build download` makes of connections that break and of files that are not what was announced,
// which the real server would not send.

const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 251))
const sha256 = createHash('sha256').update(content).digest('hex')
const digest = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
const output = {
  id: 7,
  output_type: 'zip',
  file_path: 'builds/3/outputs/1/portal_custom_20260101_000000.zip',
  file_size_bytes: content.length,
  checksum_sha256: sha256,
  download_count: 0,
  expires_at: '2030-01-01T00:00:00.000Z',
  created_at: '2026-01-01T00:00:00.000Z',
  download_url: '/api/pipelines/outputs/7/download',
}
const name = 'portal_custom_20260101_000000.zip'
const part = `${name}.${sha256.slice(0, 12)}.part`
const headers = { 'content-type': 'application/zip', etag: `"${sha256}"`, 'repr-digest': digest }

/** Answers with the file from `start` on; `most` bytes of it, and the connection breaks. */
function file({ start = 0, most }: { start?: number; most?: number } = {}): Answer {
  return (response) => {
    const range = `bytes ${start}-${content.length - 1}/${content.length}`
    response.writeHead(start === 0 ? 200 : 206, {
      ...headers,
      'content-length': content.length - start,
      ...(start === 0 ? {} : { 'content-range': range }),
    })
    if (most === undefined) response.end(content.subarray(start))
    else
      response.write(content.subarray(start, start + most), () =>
        setImmediate(() => response.destroy()),
      )
  }
}

async function downloadFrom(
  downloads: Answer[],
  options: { args?: string[]; cwd?: string; outputs?: object[] } = {},
) {
  const cwd = options.cwd ?? (await temporaryDirectory())
  let count = 0
  const outputs = options.outputs ?? [output]
  const { baseUrl, seen } = await serve((response, request) => {
    if (request.url === '/api/pipelines/runs/3/outputs') {
      json(200, { success: true, build_outputs: outputs, count: outputs.length })(response, request)
    } else downloads[Math.min(count++, downloads.length - 1)]?.(response, request)
  })
  const args = ['--url', baseUrl, '--token', 'x', 'build', 'download', '3', ...(options.args ?? [])]
  const ended = await runCli(args, { cwd })
  const asked = seen.filter(({ url }: Seen) => url === '/api/pipelines/outputs/7/download')
  const ranges = asked.map(({ headers: sent }) => sent.range)
  return { ...ended, cwd, ranges, asked, files: await readdir(cwd) }
}

describe('build download', () => {
  it('writes the whole file under the name that the server gives it', async () => {
    const { code, out, err, cwd, files } = await downloadFrom([file()])
    expect({ code, out, err }).toEqual({ code: 0, out: `${join(cwd, name)}\n`, err: '' })
    expect(files).toEqual([name])
    expect(await readFile(join(cwd, name))).toEqual(content)
  })

  it('shows on a terminal how far it is', async () => {
    const cwd = await temporaryDirectory()
    const { baseUrl } = await serve((response, request) => {
      const outputs = { success: true, build_outputs: [output], count: 1 }
      const answer = request.url.endsWith('/outputs') ? json(200, outputs) : file()
      answer(response, request)
    })
    const bin = new URL('../../packages/cli/bin/slipway.js', import.meta.url).pathname
    const command = `'${process.execPath}' '${bin}' --url ${baseUrl} build download 3`
    // It blocks nobody here: the server is in this process.
    const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, SLIPWAY_TOKEN: 'x' },
    })
    expect(stdout).toContain('████████████████████████  100%  195.3 KiB of 195.3 KiB')
    expect(stdout).toContain(join(cwd, name))
    expect(await readFile(join(cwd, name))).toEqual(content)
  })

  it('goes on where a connection broke, and checks the whole', async () => {
    const broken = [file({ most: 60_000 }), file({ start: 60_000, most: 40_000 })]
    const { code, cwd, ranges, asked, files } = await downloadFrom(
      [...broken, file({ start: 100_000 })],
      { args: ['-o', 'got.zip', '--json'] },
    )
    expect(code).toBe(0)
    expect(ranges).toEqual([undefined, 'bytes=60000-', 'bytes=100000-'])
    expect(asked[1]?.headers['if-range']).toBe(`"${sha256}"`)
    expect(files).toEqual(['got.zip'])
    expect(await readFile(join(cwd, 'got.zip'))).toEqual(content)
  })

  it('goes on with what an earlier command got, and begins anew where the server does', async () => {
    const first = await downloadFrom([
      file({ most: 150_000 }),
      json(410, { error: 'Download error', message: 'Build output 7 was kept until yesterday' }),
    ])
    expect(first.code).toBe(4)
    expect(first.err).toContain('Build output 7 was kept until yesterday')
    expect(first.files).toEqual([part])
    const second = await downloadFrom([file({ start: 150_000 })], { cwd: first.cwd })
    expect(second).toMatchObject({ code: 0, ranges: ['bytes=150000-'], files: [name] })
    expect(await readFile(join(first.cwd, name))).toEqual(content)

    const other = await temporaryDirectory()
    await writeFile(join(other, part), content.subarray(0, 1_000))
    const whole = await downloadFrom([file()], { cwd: other })
    expect(whole).toMatchObject({ code: 0, ranges: ['bytes=1000-'], files: [name] })
    expect(await readFile(join(other, name))).toEqual(content)
  })

  it.each([
    ['another content', Buffer.alloc(content.length, 1), 'its checksum is another one'],
    ['more than that', Buffer.concat([content, content]), 'sends more than it announced'],
  ])('keeps nothing of a file with %s', async (_what, sent, why) => {
    const { code, err, files } = await downloadFrom([
      (response) => {
        response.writeHead(200, { 'content-type': 'application/zip' })
        response.end(sent)
      },
    ])
    expect(code).toBe(1)
    expect(err).toContain(why)
    expect(files).toEqual([])
  })

  it('takes no other file than the one that was announced', async () => {
    const { code, err, files } = await downloadFrom([
      (response) => {
        const other = {
          ...headers,
          'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
        }
        response.writeHead(200, other).end(content)
      },
    ])
    expect(code).toBe(1)
    expect(err).toContain('another file than the one that it announced')
    expect(files).toEqual([])
  })

  it('finds out that what was there already is wrong', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, part), Buffer.alloc(1_000, 1))
    const { code, files } = await downloadFrom([file({ start: 1_000 })], { cwd })
    expect(code).toBe(1)
    expect(files).toEqual([])
  })

  it('is right although another command gets the same file at the same time', async () => {
    const cwd = await temporaryDirectory()
    let goOn = () => {}
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => void (begun = resolve))
    let asked = 0
    const { baseUrl } = await serve((response, request) => {
      if (request.url.endsWith('/outputs')) {
        json(200, { success: true, build_outputs: [output], count: 1 })(response, request)
      } else if (++asked === 1) {
        response.writeHead(200, { ...headers, 'content-length': content.length })
        response.write(content.subarray(0, 60_000), begun)
        goOn = () => void response.end(content.subarray(60_000))
      } else {
        const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
        file({ start })(response, request)
      }
    })
    const args = ['--url', baseUrl, '--token', 'x', 'build', 'download', '3']
    const slow = runCli([...args, '--force'], { cwd })
    await hasBegun
    const isThere = async () => (await readdir(cwd)).some((one) => one.startsWith(part))
    await expect.poll(isThere).toBe(true)
    expect((await runCli(args, { cwd })).code).toBe(0)
    expect(await readFile(join(cwd, name))).toEqual(content)
    goOn()
    expect((await slow).code).toBe(0)
    expect(await readFile(join(cwd, name))).toEqual(content)
    expect(await readdir(cwd)).toEqual([name])
  })

  it('goes on with what a command got that was killed', async () => {
    const cwd = await temporaryDirectory()
    const { pid } = spawnSync(process.execPath, ['--version'])
    await writeFile(join(cwd, `${part}.${pid}`), content.subarray(0, 1_000))
    const { code, ranges, files } = await downloadFrom([file({ start: 1_000 })], { cwd })
    expect({ code, ranges, files }).toEqual({ code: 0, ranges: ['bytes=1000-'], files: [name] })
    expect(await readFile(join(cwd, name))).toEqual(content)
  })

  it('writes over nothing, unless it is told to', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, name), 'mine')
    const refused = await downloadFrom([file()], { cwd })
    expect(refused.code).toBe(2)
    expect(refused.err).toContain('is there already')
    expect(refused.ranges).toEqual([])
    expect(await readFile(join(cwd, name), 'utf8')).toBe('mine')
    const forced = await downloadFrom([file()], { cwd, args: ['--force'] })
    expect(forced).toMatchObject({ code: 0, files: [name] })
    expect(await readFile(join(cwd, name))).toEqual(content)
  })

  it('writes through no link that somebody put in its way', async () => {
    const cwd = await temporaryDirectory()
    const elsewhere = await temporaryDirectory()
    await symlink(join(elsewhere, 'victim'), join(cwd, part))
    const { code } = await downloadFrom([file()], { cwd })
    expect(code).toBe(1)
    expect(await readdir(elsewhere)).toEqual([])
  })

  it('goes nowhere else, whatever the server calls the file', async () => {
    for (const path of ['../../../etc/passwd\u001b[2J', 'builds/3/..', '', '/x/.bashrc']) {
      const { code, files } = await downloadFrom([file()], {
        outputs: [{ ...output, file_path: path }],
      })
      expect(code).toBe(0)
      expect(files).toEqual(['build-output-7.zip'])
    }
  })

  it('says what there is where there is no file', async () => {
    const image = { id: 8, output_type: 'docker_image', image_url: 'registry.test/acme/portal:1' }
    const made = await downloadFrom([file()], { outputs: [image] })
    expect(made).toMatchObject({ code: 1, files: [] })
    expect(made.err).toContain('registry.test/acme/portal:1')
    const nothing = await downloadFrom([file()], { outputs: [] })
    expect(nothing).toMatchObject({ code: 1, files: [] })
    expect(nothing.err).toContain('has made nothing to download')
  })
})
