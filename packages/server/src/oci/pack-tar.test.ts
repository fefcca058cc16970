import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packTar, packTarGz } from './pack-tar.ts'

const run = promisify(execFile)
const { signal } = new AbortController()
let scratch: string
beforeEach(async () => void (scratch = await mkdtemp(join(tmpdir(), 'slipway-tar-'))))
afterEach(() => rm(scratch, { recursive: true, force: true }))

/** What GNU tar makes of an archive: rights, owner, size, time and name of each entry. */
async function list(archive: Buffer): Promise<string[]> {
  const file = join(scratch, 'list.tar')
  await writeFile(file, archive)
  const { stdout } = await run('tar', ['--utc', '--full-time', '-tvf', file], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  })
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' '))
}

async function makeTree(name: string, order: readonly string[]): Promise<string> {
  const root = join(scratch, name)
  await mkdir(join(root, 'bin'), { recursive: true })
  for (const file of order) await writeFile(join(root, file), `content of ${file}`)
  await chmod(join(root, 'bin/run'), 0o700)
  await symlink('/etc/passwd', join(root, 'out'))
  return root
}

describe('packTar', () => {
  it('depends on names and contents alone', async () => {
    const one = await makeTree('one', ['bin/run', 'z', 'a'])
    const other = await makeTree('other', ['a', 'z', 'bin/run'])
    await chmod(join(other, 'a'), 0o600)
    await utimes(join(other, 'a'), 1, 1)
    const first = await buffer(packTar({ path: one }, signal))
    expect(first.equals(await buffer(packTar({ path: other }, signal)))).toBe(true)
    const zipped = await buffer(packTarGz({ path: other }, signal))
    expect(zipped.equals(await buffer(packTarGz({ path: one }, signal)))).toBe(true)
    expect(gunzipSync(zipped).equals(first)).toBe(true)
    expect(await list(first)).toEqual([
      '-rw-r--r-- 0/0 12 1970-01-01 00:00:00 a',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 bin/',
      '-rwxr-xr-x 0/0 18 1970-01-01 00:00:00 bin/run',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 out -> /etc/passwd',
      '-rw-r--r-- 0/0 12 1970-01-01 00:00:00 z',
    ])
  })

  it('holds a single file under its name', async () => {
    await writeFile(join(scratch, 'tool'), 'x')
    const archive = await buffer(packTar({ path: join(scratch, 'tool') }, signal))
    expect(await list(archive)).toEqual(['-rw-r--r-- 0/0 1 1970-01-01 00:00:00 tool'])
  })

  it('holds what is in memory, empty and non-ASCII too, in order', async () => {
    const long = `${'d'.repeat(90)}/${'ü'.repeat(60)}`
    const files = [
      { name: long, content: 'x' },
      { name: 'a/empty', content: '' },
    ]
    const archive = await buffer(packTar({ files }, signal))
    const names = (await list(archive)).map((line) => line.split(' ').at(-1))
    expect(names).toEqual(['a/empty', long])
  })

  it('holds files larger than what is in hand at once', async () => {
    const content = Buffer.alloc(3_000_001, 'abc')
    await mkdir(join(scratch, 'big'))
    await writeFile(join(scratch, 'big/file'), content)
    const archive = await buffer(packTar({ path: join(scratch, 'big') }, signal))
    expect(archive.indexOf(content)).toBe(512)
  })

  it('refuses what is neither file, folder nor link', async () => {
    await mkdir(join(scratch, 'odd'))
    await run('mkfifo', [join(scratch, 'odd/pipe')])
    await expect(buffer(packTar({ path: join(scratch, 'odd') }, signal))).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'pipe is neither a file nor a folder nor a link',
    })
    await expect(buffer(packTarGz({ path: join(scratch, 'odd') }, signal))).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('ends with its signal, and when nobody reads on', async () => {
    await writeFile(join(scratch, 'file'), Buffer.alloc(5_000_000))
    const stop = new AbortController()
    const aborted = packTar({ path: join(scratch, 'file') }, stop.signal)
    aborted.once('data', () => stop.abort(new Error('enough')))
    await expect(buffer(aborted)).rejects.toMatchObject({ name: 'AbortError' })
    const left = packTar({ path: join(scratch, 'file') }, signal)
    for await (const _chunk of left) break
    expect(left.destroyed).toBe(true)
  })
})
