import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCueBinary, findCueBinary } from './run-cue-binary.ts'

const limits = { fileMs: 20_000, totalMs: 60_000 }
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'forge-test-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** A stand-in for the `cue` command, with its arguments, streams and exit codes. */
async function install(script: string): Promise<string> {
  const path = join(directory, 'cue')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

test('exports the source in an empty directory and without our environment', async () => {
  const binary = await install(
    '[ "$*" = "export --out json input.cue" ] && [ -z "$SLIPWAY_TOKEN$USER$LANG" ] && cat input.cue',
  )
  const cue = createCueBinary(binary, limits)
  expect(await cue.evaluate('{"a": 1}')).toEqual({ ok: true, json: '{"a": 1}' })
  const listing = await install('printf \'{"files": "%s", "home": "%s"}\' "$(ls -A)" "$HOME"')
  const outcome = await createCueBinary(listing, limits).evaluate('x: 1')
  expect(outcome).toMatchObject({ ok: true })
  const { files, home } = JSON.parse(outcome.ok ? outcome.json : '{}') as Record<string, string>
  expect(files).toBe('input.cue')
  await expect(readdir(home!)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an error has its place and line', async () => {
  const binary = await install(
    'printf "x.1.a: undefined field: foo:\\n    ./input.cue:3:8\\n" >&2; exit 1',
  )
  expect(await createCueBinary(binary, limits).evaluate('x: 1')).toEqual({
    ok: false,
    problem: { path: '/x/1/a', line: 3, message: 'CUE: undefined field: foo.' },
  })
})

test('time and output are limited', async () => {
  const slow = await install('exec sleep 60')
  expect(await createCueBinary(slow, { ...limits, fileMs: 200 }).evaluate('x: 1')).toMatchObject({
    problem: { message: expect.stringContaining('within 0.2 s') },
  })
  const loud = await install('exec cat /dev/zero')
  expect(await createCueBinary(loud, limits).evaluate('x: 1')).toMatchObject({
    problem: { message: 'The file expands to more than 4 MiB of JSON.' },
  })
  const used = createCueBinary(slow, { fileMs: 100, totalMs: 1 })
  await used.evaluate('x: 1')
  expect(await used.evaluate('x: 1')).toMatchObject({
    problem: { message: expect.stringContaining('all CUE files') },
  })
})

test('an abort ends the command and rejects', async () => {
  const controller = new AbortController()
  const started = join(directory, 'started')
  const binary = await install(`touch ${started}; exec sleep 60`)
  const running = createCueBinary(binary, limits, controller.signal).evaluate('x: 1')
  await expect.poll(() => readdir(directory), { timeout: 20_000 }).toContain('started')
  controller.abort(new Error('stop'))
  await expect(running).rejects.toThrow('stop')
})

test('a command that is not there rejects', async () => {
  const cue = createCueBinary(join(directory, 'cue'), limits)
  await expect(cue.evaluate('x: 1')).rejects.toThrow('cannot be run')
})

test('the command is found on the path, files that cannot be executed left out', async () => {
  const binary = await install('exit 0')
  await mkdir(join(directory, 'other', 'cue'), { recursive: true })
  expect(await findCueBinary(`relative:${join(directory, 'other')}:${directory}`)).toBe(binary)
  await chmod(binary, 0o644)
  expect(await findCueBinary(directory)).toBeNull()
})
