import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { LoadForgeResult } from '@slipway/forge'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { openWorkingTree } from '../git/read-working-tree.ts'
import { terminalWord } from '../render/terminal-text.ts'

export function addValidateCommand(program: Command, act: Act): void {
  program
    .command('validate [path]')
    .description('check the .forge configuration of the checkout, committed or not')
    .action(act((context, _flags, [path = '.']) => validate(context, path)))
}

async function validate(context: Context, path: string): Promise<number> {
  const { io } = context
  const tree = await openWorkingTree(resolve(io.cwd, path), io)
  // Loaded when used: its schemas would slow down every other command.
  const { findCueBinary, loadForge } = await import('@slipway/forge')
  const binary = await findCueBinary(io.env.PATH ?? '')
  const result = await loadForge(tree, { signal: io.signal, cue: { binary } })
  if (context.json) await printJson(io, result)
  else await (result.ok ? printSummary(context, result) : printProblems(context, result.problems))
  return result.ok ? exitCodes.success : exitCodes.failed
}

type Valid = Extract<LoadForgeResult, { ok: true }>
type Problems = Extract<LoadForgeResult, { ok: false }>['problems']

async function printSummary({ io, styles }: Context, result: Valid): Promise<void> {
  const { projects, repository } = result
  const count = `${projects.length} project${projects.length === 1 ? '' : 's'}`
  await io.out.write(`${styles.green('valid')}: ${repository.file}, ${count}\n`)
  for (const { name, path, phases } of projects) {
    const parts = phases.map((phase) => `${phase.name} (${phase.steps.length})`).join(', ')
    await io.out.write(
      `  ${terminalWord(name)}  ${styles.dim(terminalWord(`${path}  ${parts}`))}\n`,
    )
  }
}

async function printProblems({ io, styles }: Context, problems: Problems): Promise<void> {
  for (const { file, path, line, message } of problems) {
    const place = `${file}${line === undefined ? '' : `:${line}`}`
    const pointer = path === '' ? '' : ` ${styles.dim(terminalWord(path))}`
    await io.err.write(`${styles.red(terminalWord(place))}${pointer}  ${terminalWord(message)}\n`)
  }
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`
  await io.err.write(`${count}. What the files may hold: docs/configuration.md\n`)
}
