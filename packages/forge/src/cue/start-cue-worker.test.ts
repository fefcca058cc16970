import { afterEach, expect, test } from 'vitest'
import type { CueEvaluator, CueLimits } from './evaluator.ts'
import { createCueWorker } from './start-cue-worker.ts'

const generous: CueLimits = { fileMs: 20_000, totalMs: 60_000 }
const opened: CueEvaluator[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((evaluator) => evaluator.close()))
})

function open(limits: CueLimits = generous, signal?: AbortSignal): CueEvaluator {
  const evaluator = createCueWorker(limits, signal)
  opened.push(evaluator)
  return evaluator
}

function workers(): number {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name === 'MessagePort' || name === 'Worker').length
}

/** Ten lists of ten lists, `levels` deep: exponential to print. */
function listBomb(levels: number): string {
  const ten = (item: string) => `[${Array.from({ length: 10 }, () => item).join(',')}]`
  const rest = Array.from({ length: levels }, (_, level) => `l${level + 1}: ${ten(`l${level}`)}`)
  return [`l0: ${ten('"x"')}`, ...rest].join('\n')
}

/** Four hundred million turns that keep nothing: much time, little memory. */
const slow = `import "list"
numbers: list.Range(0, 20000, 1)
none: [for i in numbers for j in numbers if j < 0 {j}]`

test('evaluates CUE, its packages included, one file after the other', async () => {
  const cue = open()
  const first = await cue.evaluate(
    'package forge\nimport "strings"\na: strings.ToUpper("x")\n#D: {n: int}\nb: #D & {n: 1}',
  )
  expect(first).toEqual({ ok: true, json: '{"a":"X","b":{"n":1}}' })
  expect(await cue.evaluate('c: 2')).toEqual({ ok: true, json: '{"c":2}' })
})

test('an error names its place and reason', async () => {
  const cue = open()
  expect(await cue.evaluate('x: [{a: 1}, {a: y.foo}]\ny: {}')).toEqual({
    ok: false,
    problem: { path: '/x/1/a', message: 'CUE: undefined field: foo.' },
  })
  expect(await cue.evaluate('a: {')).toMatchObject({
    problem: { path: '', message: expect.stringMatching(/expected '}'/) },
  })
  expect(await cue.evaluate('"b-c": d: string')).toMatchObject({
    problem: { path: '/b-c/d', message: 'CUE: no concrete value is given, only "string".' },
  })
  expect(await cue.evaluate('import "example.com/x"\na: x.y')).toMatchObject({
    problem: { message: expect.stringMatching(/imported but not defined/) },
  })
})

test('a bomb is ended at the time limit, and the next file is evaluated all the same', async () => {
  const cue = open({ fileMs: 1_000, totalMs: 60_000 })
  expect(await cue.evaluate(listBomb(9))).toMatchObject({
    ok: false,
    problem: { message: expect.stringMatching(/not evaluated within 1 s|memory/) },
  })
  expect(await cue.evaluate(slow)).toMatchObject({
    ok: false,
    problem: { message: expect.stringMatching(/not evaluated within 1 s/) },
  })
  expect(await cue.evaluate('a: 1')).toEqual({ ok: true, json: '{"a":1}' })
})

test('memory is limited, and the next file is evaluated all the same', async () => {
  const cue = open()
  const before = process.memoryUsage().rss
  const greedy = 'import "strings"\na: strings.Repeat("x", 1000000000)'
  expect(await cue.evaluate(greedy)).toMatchObject({
    ok: false,
    problem: { message: expect.stringMatching(/too much memory/) },
  })
  expect(process.memoryUsage().rss - before).toBeLessThan(800 * 1024 * 1024)
  expect(await cue.evaluate('import "strings"\na: strings.Repeat("x", 5000000)')).toMatchObject({
    problem: { message: expect.stringMatching(/more than 4 MiB/) },
  })
  expect(await cue.evaluate(`a: ${'['.repeat(50_000)}`)).toMatchObject({ ok: false })
  expect(await cue.evaluate('a: 1')).toEqual({ ok: true, json: '{"a":1}' })
})

test('all files together have a time limit', async () => {
  const cue = open({ fileMs: 20_000, totalMs: 1 })
  expect(await cue.evaluate('a: 1')).toMatchObject({
    problem: { message: expect.stringMatching(/all CUE files together/) },
  })
})

test('an abort ends the evaluation and the thread', async () => {
  const idle = workers()
  const controller = new AbortController()
  const cue = open(generous, controller.signal)
  await cue.evaluate('a: 1')
  expect(workers()).toBeGreaterThan(idle)
  const running = cue.evaluate(slow)
  controller.abort(new Error('no longer wanted'))
  await expect(running).rejects.toThrow('no longer wanted')
  expect(workers()).toBe(idle)
})
