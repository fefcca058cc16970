import type { BrandingPreview } from '@slipway/contract/branding'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { assignments } from '../assignments.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findTemplate } from '../find-template.ts'
import { integerBetween } from '../integer-between.ts'
import { renderDiff } from '../render/diff.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { findRepository } from './repository.ts'

interface PreviewFlags {
  repository?: string
  ref?: string
  param?: string[]
  limit: number
}

export function addPreviewCommand(branding: Command, act: Act): void {
  branding
    .command('preview <template>')
    .description('what it would change in a repository, as a diff; nothing is changed')
    .option('-r, --repository <repository>', 'registered, by name or id; default: the official one')
    .option('--ref <ref>', 'branch, tag or commit; default: its default branch')
    .option('--param <name=value...>', 'for {{name}} in replacements')
    .option('-n, --limit <n>', 'files that are shown, 1 to 100', integerBetween(1, 100), 20)
    .action(act((context, flags: PreviewFlags, [which = '']) => preview(context, which, flags)))
}

async function preview(context: Context, which: string, flags: PreviewFlags): Promise<number> {
  const { io } = context
  const { repository, ref, param, limit } = flags
  const { id } = await findTemplate(context, which)
  const request = {
    limit,
    ...(repository === undefined
      ? {}
      : { repository_id: (await findRepository(context, repository)).id }),
    ...(ref === undefined ? {} : { ref }),
    ...(param === undefined ? {} : { variables: assignments(param) }),
  }
  const { client } = await context.connect()
  const shown = await client.branding.preview(id, request, { signal: io.signal })
  if (context.json) await printJson(io, shown)
  else await print(context, shown)
  return exitCodes.success
}

/** The diff alone goes to standard output, as a patch would. */
async function print({ io, styles, errorStyles }: Context, shown: BrandingPreview): Promise<void> {
  for (const { path, diff, truncated } of shown.files) {
    for (const line of renderDiff(diff, styles)) await io.out.write(`${line}\n`)
    if (truncated)
      await io.err.write(errorStyles.dim(`${terminalWord(path)} changes in more places\n`))
  }
  for (const { target_path: path, action } of shown.assets) {
    await io.err.write(`${terminalWord(`${action}  ${path}`)}\n`)
  }
  for (const warning of shown.warnings) {
    await io.err.write(`${errorStyles.yellow('warning')}: ${terminalWord(warning)}\n`)
  }
  const { files_changed: changed, files_scanned: scanned, replacements, commit_sha: commit } = shown
  const rest = shown.truncated ? `; ${shown.files.length} are shown, more with --limit` : ''
  const what = `${replacements} replacements in ${changed} of ${scanned} files${rest}`
  await io.err.write(`${terminalWord(`${shown.repository.name} ${commit.slice(0, 8)}: ${what}`)}\n`)
}
