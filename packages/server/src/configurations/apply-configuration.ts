import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, open, rename, rm, writeFile } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import type { ConfigurationTarget } from '@slipway/contract/configurations'
import { askThread, resolveTarget, targetPathProblem, ThreadFailure } from '../branding/index.ts'
import { AppError } from '../errors.ts'
import type { ConfigurationToApply } from './configuration-to-apply.ts'
import { fillVariables } from './fill-variables.ts'
import { leavesOf, targetsOf } from './read-settings.ts'
import type { Merged, MergeMessage, MergeQuestion } from './thread/messages.ts'

/** Bytes that a file may have that settings are merged into. */
const maxBytes = 2 * 1024 * 1024
/** Milliseconds that one file may take. */
const mergeMs = 60_000
const script = new URL('./thread/configuration-thread.js', import.meta.url)

export interface AppliedConfiguration {
  /** Of each target, the number of keys that were not there, had another value, or had this one. */
  targets: { path: string; added: number; changed: number; same: number }[]
}

/**
 * Merges a configuration into its targets in a tree, keeping what is there; targets that are missing
 * are made. All are merged before the first is written, each of them at once. `note` gets a line for
 * the log about each, with counts and never a value. Refuses with `invalid_request`, naming the file,
 * what cannot be read as its format, leads out of the tree or is a link. What the signal stops throws
 * its reason.
 */
export async function applyConfiguration(
  input: {
    /** The root of the tree, that nobody else changes meanwhile. */
    directory: string
    configuration: ConfigurationToApply
    /** Values of `{{name}}` in texts. */
    variables: Readonly<Record<string, string>>
    note: (line: string) => void
  },
  signal: AbortSignal,
): Promise<AppliedConfiguration> {
  const { directory, configuration, variables, note } = input
  const unknown = new Set<string>()
  const merged: { target: ConfigurationTarget; place: Place; result: Merged }[] = []
  for (const target of targetsOf(configuration.targets)) {
    const leaves = leavesOf(configuration.settings, target.format).map(({ path, value }) => ({
      path,
      value: fillVariables(value, variables, unknown),
    }))
    const place = await readTarget(directory, target.path)
    const question = { format: target.format, text: place.text, leaves }
    merged.push({ target, place, result: await merge(target.path, question, signal) })
  }
  for (const name of unknown) note(`Warning: {{${name}}} has no value and stays as it is`)
  const targets: AppliedConfiguration['targets'] = []
  for (const { target, place, result } of merged) {
    signal.throwIfAborted()
    const { text, ...counts } = result
    if (text !== place.text) await writeTarget(directory, target.path, text)
    const { added, changed, same } = counts
    note(`${target.path}: ${added} added, ${changed} changed, ${same} as they were`)
    targets.push({ path: target.path, ...counts })
  }
  return { targets }
}

interface Place {
  /** Null: there is no file. */
  text: string | null
}

async function readTarget(directory: string, path: string): Promise<Place> {
  const { path: real, exists } = await findTarget(directory, path, { make: false })
  if (exists === 'no') return { text: null }
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw refusal(`${path} is larger than ${maxBytes} bytes`)
    const bytes = await file.readFile()
    if (bytes.includes(0) || !isUtf8(bytes)) throw refusal(`${path} is not UTF-8 text`)
    return { text: bytes.toString() }
  } finally {
    await file.close()
  }
}

async function writeTarget(directory: string, path: string, text: string): Promise<void> {
  const { path: real, mode } = await findTarget(directory, path, { make: true })
  const scratch = join(directory, `.slipway-${randomUUID()}`)
  try {
    await writeFile(scratch, text, { flag: 'wx', mode: 0o600 })
    await chmod(scratch, mode ?? 0o644)
    await rename(scratch, real)
  } finally {
    await rm(scratch, { force: true })
  }
}

async function findTarget(directory: string, path: string, options: { make: boolean }) {
  const problem = targetPathProblem(path)
  if (problem !== null) throw refusal(`${path} ${problem}`)
  const found = await resolveTarget(directory, path, options)
  if (!found.ok) throw refusal(found.problem)
  const { target } = found
  if (target.exists === 'link') throw refusal(`${path} is a link`)
  if (target.exists === 'other') throw refusal(`${path} is no file`)
  return target
}

async function merge(path: string, question: MergeQuestion, signal: AbortSignal): Promise<Merged> {
  try {
    const { answer } = await askThread<MergeMessage, 'answer'>(script, question, {
      answer: 'answer',
      signal,
      silentMs: mergeMs,
      doing: () => `merging into ${path}`,
    })
    if (answer.ok) return answer.merged
    throw refusal(`${path} ${answer.problem}`)
  } catch (error) {
    throw error instanceof ThreadFailure ? refusal(error.message) : error
  }
}

function refusal(message: string): AppError {
  return new AppError('invalid_request', message)
}
