import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { ThreadFailure } from './ask-thread.ts'
import type { BrandingToApply } from './branding-to-apply.ts'
import { placeAsset } from './place-assets.ts'
import { removeNamed } from './remove-named.ts'
import { rewriteFiles } from './rewrite-files.ts'

/** Files that are named one by one in what is noted. */
const notedFiles = 500

export interface AppliedBranding {
  replacements: number
  /** Each text file that was changed. */
  files: { path: string; replacements: number }[]
  warnings: string[]
}

/**
 * Brands a tree: applies the rules to its text files, in their order, then copies the assets to their
 * places, which no rule touches. `note` gets each line for the log, `progress` whole per cent.
 * Symbolic links are never followed, `.git` is never looked into, and what is not UTF-8 text stays as
 * it is. The event loop is not held up: files are read and written in a thread of its own.
 * An AppError says, fit for a user, why it cannot be done; the tree is then as far as it got. What the
 * signal stops throws its reason. Nothing else is left in the tree in any case.
 */
export async function applyBranding(
  deps: { objects: ObjectStore },
  input: {
    /** The root of the tree, that nobody else changes meanwhile. */
    directory: string
    branding: BrandingToApply
    variables: Readonly<Record<string, string>>
    note: (line: string) => void
    progress: (percent: number) => void
  },
  signal: AbortSignal,
): Promise<AppliedBranding> {
  const { directory, branding, variables, note, progress } = input
  const scratch = `.slipway-${randomUUID()}`
  const steps = { rules: branding.assets.length === 0 ? 100 : 90 }
  const onProgress = (done: number, total: number) =>
    progress(Math.floor((done / total) * steps.rules))
  const { result, warnings } = await rewrite(
    { directory, branding, variables, scratch, show: null, progress: onProgress },
    signal,
  )
  noteFiles(result.files, result.replacements, note)
  for (const warning of warnings) note(`Warning: ${warning}`)
  for (const [index, asset] of branding.assets.entries()) {
    signal.throwIfAborted()
    await placeAsset(deps, { directory, asset }, signal)
    note(`${asset.targetPath}: ${asset.fileName}, ${asset.sizeBytes} bytes`)
    progress(steps.rules + Math.floor(((index + 1) / branding.assets.length) * 10))
  }
  return { replacements: result.replacements, files: result.files, warnings }
}

/** Leaves no half-written file behind, however it ends. */
async function rewrite(
  input: Parameters<typeof rewriteFiles>[0] & { scratch: string },
  signal: AbortSignal,
): ReturnType<typeof rewriteFiles> {
  try {
    return await rewriteFiles(input, signal)
  } catch (error) {
    await removeNamed(input.directory, input.scratch)
    if (!(error instanceof ThreadFailure)) throw error
    throw new AppError('invalid_request', error.message)
  }
}

function noteFiles(
  files: AppliedBranding['files'],
  replacements: number,
  note: (line: string) => void,
): void {
  for (const file of files.slice(0, notedFiles)) {
    note(`${file.path}: ${counted(file.replacements, 'replacement')}`)
  }
  if (files.length > notedFiles) note(`… and ${files.length - notedFiles} more files`)
  note(`${counted(replacements, 'replacement')} in ${counted(files.length, 'file')}`)
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}
