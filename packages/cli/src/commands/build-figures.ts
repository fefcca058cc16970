import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatInstant } from '../render/format-time.ts'
import { printFacts } from '../render/print-facts.ts'
import { showList } from '../show-list.ts'
import { findRepository } from './repository.ts'

export function addBuildFigureCommands(build: Command, act: Act): void {
  build
    .command('steps')
    .description('which steps there are, and what each needs')
    .action(act((context) => steps(context)))
  build
    .command('stats')
    .description('how many builds there were, and how many succeeded')
    .option('--days <n>', 'so many days back', integerBetween(1, 3_650), 30)
    .action(act((context, flags: { days: number }) => stats(context, flags)))
  build
    .command('usage <repository>')
    .description('builds of a registered repository')
    .action(act((context, _flags, [which = '']) => usage(context, which)))
  build
    .command('cleanup')
    .description('remove files and images that have expired; the server does it hourly by itself')
    .action(act((context) => cleanup(context)))
}

async function steps(context: Context): Promise<number> {
  const { client } = await context.connect()
  return showList(context, {
    read: () => client.builds.steps({ signal: context.io.signal }),
    json: (known) => known,
    header: ['STEP', 'NEEDS', 'WHAT IT DOES'],
    rows: (known) =>
      known.map(({ key, dependencies, description }) => [
        key,
        dependencies.join(' ') || '-',
        description,
      ]),
    empty: 'There are no steps.',
  })
}

async function stats(context: Context, flags: { days: number }): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const figures = await client.builds.statistics(flags, { signal: io.signal })
  if (context.json) {
    await printJson(io, figures)
    return exitCodes.success
  }
  const of = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([key, count]) => `${key} ${count}`)
      .join(', ')
  await printFacts(context, `Builds of the last ${figures.period_days} days`, [
    ['builds', String(figures.total_runs)],
    ['completed', `${figures.completed_runs} (${figures.success_rate}%)`],
    ['failed', String(figures.failed_runs)],
    ['running', String(figures.running_runs)],
    ['pending', String(figures.pending_runs)],
    ['steps', of(figures.step_usage)],
    ['wanted', of(figures.output_types)],
    ['outputs', String(figures.total_build_outputs)],
  ])
  return exitCodes.success
}

async function usage(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id } = await findRepository(context, which)
  const { client } = await context.connect()
  const figures = await client.builds.usage(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, figures)
    return exitCodes.success
  }
  await printFacts(context, figures.repository_name, [
    ['at', figures.repository_url],
    ['builds', String(figures.total_pipeline_runs)],
    ['completed', `${figures.completed_runs} (${figures.success_rate}%)`],
    ['failed', String(figures.failed_runs)],
    ['outputs', String(figures.total_build_outputs)],
    ['last', figures.last_used_at == null ? 'never' : formatInstant(figures.last_used_at)],
  ])
  return exitCodes.success
}

async function cleanup(context: Context): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const result = await client.builds.cleanup({ signal: io.signal })
  if (context.json) await printJson(io, result)
  else {
    const { files_cleaned: files, images_cleaned: images, failed } = result
    const rest = failed === 0 ? '' : `; ${failed} could not be removed this time`
    await io.err.write(`Removed ${files} files and ${images} images${rest}\n`)
  }
  return result.failed === 0 ? exitCodes.success : exitCodes.failed
}
