import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Command, Option } from 'commander'
import type { ForgeFormat } from '@slipway/forge'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { openWorkingTree } from '../git/read-working-tree.ts'

interface InitFlags {
  format: ForgeFormat
  project?: string
}

export function addInitCommand(program: Command, act: Act): void {
  program
    .command('init')
    .description('write a first .forge configuration at the root of the checkout')
    .addOption(
      new Option('--format <format>', 'of the files')
        .choices(['yaml', 'json', 'cue'])
        .default('yaml'),
    )
    .option('--project <name>', "name of the project; default: the directory's")
    .action(act((context, flags: InitFlags) => init(context, flags)))
}

async function init(context: Context, flags: InitFlags): Promise<number> {
  const { io } = context
  const { root } = await openWorkingTree(io.cwd, io)
  const forge = join(root, '.forge')
  const present = await readdir(forge).catch(() => [])
  const existing = present.filter((name) => /^(repo|project)\./.test(name))
  if (existing.length > 0) {
    throw new CliError(
      `There is a configuration already: ${join(forge, existing[0] ?? '')}`,
      'Check it: slipway validate',
    )
  }
  // Loaded when used: its schemas would slow down every other command.
  const { initForge } = await import('@slipway/forge')
  const files = initForge(flags.format, { project: flags.project ?? basename(root) })
  for (const { path, content } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content, { flag: 'wx' })
  }
  if (context.json) await printJson(io, { root, files: files.map(({ path }) => path) })
  else {
    for (const { path } of files) await io.out.write(`${path}\n`)
    await io.err.write(
      'Adapt them, then: slipway validate, git commit, slipway run start --watch\n',
    )
  }
  return exitCodes.success
}
