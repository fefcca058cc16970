import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyBranding, type ReplacementRule } from '../packages/server/src/branding/index.ts'
import type { ObjectStore } from '../packages/server/src/ports/object-store.ts'
import { percentiles, round } from './statistics.ts'

export interface BrandingBench {
  /**
   * Milliseconds for 10,000 files of 4 kB, each with two places that one of three rules of text is for.
   * Floor: reading each file whole and writing it again, in one synchronous loop.
   */
  literal: { ms: number; floorMs: number; ratio: number; rounds: [number, number][] }
  /** Megabytes a second of the same files through one pattern each. */
  patterns: Record<string, number>
  /** Milliseconds that the event loop was late meanwhile, over all of it. */
  loopDelay: { p50: number; p99: number; n: number; max: number }
}

const FILES = 10_000
const ROUNDS = 5

const rules: ReplacementRule[] = [
  { pattern: 'Open WebUI', replacement: '{{brand_name}}', use_regex: false },
  { pattern: 'docs.openwebui.com', replacement: 'docs.acme.test', use_regex: false },
  { pattern: 'OpenWebUI', replacement: 'AcmeChat', use_regex: false },
]

const patterns: Record<string, Omit<ReplacementRule, 'use_regex'>> = {
  words: { pattern: String.raw`\bOpen\s+WebUI\b`, replacement: 'Acme' },
  groups: { pattern: String.raw`https://docs\.openwebui\.com/(\w+)/(\d+)`, replacement: '/$2/$1' },
  anyCase: { pattern: '(?i)open[- ]?webui', replacement: 'Acme' },
  alternatives: { pattern: '(Open|open|OPEN)[ _-]?(Web|web)(UI|ui)', replacement: 'Acme' },
  lines: { pattern: String.raw`(?m)^\s*// See .*$`, replacement: '// See below' },
  nothing: { pattern: '(a+)+$', replacement: '' },
}

/** Measures how long it takes to brand a tree. Takes about 30 s. */
export async function benchBranding(): Promise<BrandingBench> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const late: number[] = []
  try {
    const bytes = writeTree(directory)
    await apply(directory, rules)
    const rounds: [number, number][] = []
    for (let count = 0; count < ROUNDS; count++) {
      writeTree(directory)
      const floor = measureFloor(directory)
      const start = performance.now()
      const { replacements } = await watchLoop(late, () => apply(directory, rules))
      rounds.push([performance.now() - start, floor])
      if (replacements !== FILES * 2) throw new Error(`${replacements} replacements`)
    }
    const ms = percentiles(rounds.map(([ours]) => ours)).p50
    const floorMs = percentiles(rounds.map(([, floor]) => floor)).p50
    const speeds: Record<string, number> = {}
    for (const [name, rule] of Object.entries(patterns)) {
      writeTree(directory)
      const start = performance.now()
      await watchLoop(late, () => apply(directory, [{ ...rule, use_regex: true }]))
      speeds[name] = round(bytes / 1e6 / ((performance.now() - start) / 1000), 1)
    }
    return {
      literal: {
        ms: round(ms, 1),
        floorMs: round(floorMs, 1),
        ratio: round(ms / floorMs),
        rounds: rounds.map(([a, b]) => [round(a, 1), round(b, 1)]),
      },
      patterns: speeds,
      loopDelay: { ...percentiles(late), max: round(Math.max(...late)) },
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Adds to `late` by how many milliseconds each turn of the event loop was late. */
async function watchLoop<T>(late: number[], work: () => Promise<T>): Promise<T> {
  let due = performance.now() + 5
  const timer = setInterval(() => {
    late.push(Math.max(0, performance.now() - due))
    due = performance.now() + 5
  }, 5)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

function apply(directory: string, given: readonly ReplacementRule[]) {
  const branding = { name: 'Bench', brandName: 'Acme Chat', rules: given, assets: [] }
  const input = { directory, branding, variables: {}, note() {}, progress() {} }
  return applyBranding({ objects: {} as ObjectStore }, input, new AbortController().signal)
}

/** Answers the bytes of all files. */
function writeTree(directory: string): number {
  let bytes = 0
  for (let file = 0; file < FILES; file++) {
    const folder = join(directory, `folder-${file % 100}`)
    if (file < 100) mkdirSync(folder, { recursive: true })
    const lines = Array.from({ length: 55 }, (_, line) =>
      line === 20
        ? `  const title = "Open WebUI version ${file}"`
        : line === 40
          ? `  // See https://docs.openwebui.com/page/${file} for more`
          : `  const value${line} = compute("some other text ${file}") // of no interest for ${line}`,
    )
    const text = lines.join('\n')
    writeFileSync(join(folder, `file-${file}.ts`), text)
    bytes += text.length
  }
  return bytes
}

function measureFloor(directory: string): number {
  const start = performance.now()
  for (const folder of readdirSync(directory)) {
    for (const file of readdirSync(join(directory, folder))) {
      const path = join(directory, folder, file)
      writeFileSync(path, readFileSync(path))
    }
  }
  return performance.now() - start
}
