import type { PipelineRun } from '@slipway/contract/pipelines'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { shortTime, statusStyle, took } from '../render/pipeline-table.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'

interface Flags {
  workflow?: string
  branch?: string
  limit: number
  page: number
}

const header = ['STATUS', 'RUN', 'WORKFLOW', 'BRANCH', 'COMMIT', 'STARTED', 'TOOK', 'BY', 'MESSAGE']

export function addHistoryCommand(program: Command, act: Act): void {
  program
    .command('history')
    .description('the GitHub Actions runs of a repository, newest first')
    .argument('<repository>', 'owner/name', repositoryName)
    .option('--workflow <workflow>', "only of this one: its file's name or its id")
    .option('-b, --branch <branch>', 'only of this branch')
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 30)
    .option('--page <n>', 'which page of so many', integerBetween(1, 1_000_000), 1)
    .action(act((context, flags: Flags, [name = '']) => showHistory(context, name, flags)))
}

async function showHistory(context: Context, name: string, flags: Flags): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const { workflow, branch, limit, page } = flags
  const query = {
    page,
    per_page: limit,
    ...(workflow === undefined ? {} : { workflow_id: workflow }),
    ...(branch === undefined ? {} : { branch }),
  }
  const answer = await client.pipelines.history(name, query, { signal: io.signal })
  if (context.json) {
    await printJson(io, answer)
    return exitCodes.success
  }
  const { runs, metadata } = answer
  if (runs.length === 0) {
    const message =
      metadata.total === 0 ? `No such runs of ${name}.` : `${name} has ${metadata.total} such runs.`
    await io.err.write(`${message}\n`)
    return exitCodes.success
  }
  const [head = '', ...rows] = formatTable(header, runs.map(runRow)).trimEnd().split('\n')
  await io.out.write(`${styles.dim(head)}\n`)
  for (const [index, row] of rows.entries()) {
    const run = runs[index]
    await io.out.write(`${row.replace(/^\S+/, statusStyle(run?.status, styles))}\n`)
    for (const line of failedPlaces(run)) await io.out.write(`  ${styles.red(line)}\n`)
  }
  const end = (page - 1) * limit + runs.length
  if (end < metadata.total) {
    await io.err.write(styles.dim(`${end} of ${metadata.total}; go on with --page ${page + 1}\n`))
  }
  return exitCodes.success
}

function runRow(run: PipelineRun): string[] {
  const [subject = ''] = run.commit_message.split('\n')
  return [
    run.status,
    String(run.id),
    run.name,
    run.branch,
    run.commit_sha.slice(0, 8),
    shortTime(run.created_at),
    took(run.duration),
    run.actor,
    subject,
  ].map(terminalWord)
}

/** Job and step of each failure. */
export function failedPlaces(run: PipelineRun | undefined): string[] {
  return (run?.jobs ?? [])
    .filter(({ status }) => status === 'failure')
    .map(({ name, conclusion, steps }) => {
      const step = steps.find((one) => one.conclusion === 'failure')
      const place = step === undefined ? name : `${name} › ${step.name}`
      return terminalWord(`${place}: ${conclusion ?? 'failure'}`)
    })
}
