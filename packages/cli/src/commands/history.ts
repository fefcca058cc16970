import type { PipelineHistoryResponse, PipelineRun } from '@slipway/contract/pipelines'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import type { Context } from '../context.ts'
import { addNumberedPageOptions, type PageFlags } from '../list-options.ts'
import { pageAt } from '../read-list.ts'
import { formatInstant } from '../render/format-time.ts'
import { took } from '../render/pipeline-table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'
import { countedEveryMs, showList } from '../show-list.ts'

interface Flags extends PageFlags {
  workflow?: string
  branch?: string
  page?: number
}

const header = ['STATUS', 'RUN', 'WORKFLOW', 'BRANCH', 'COMMIT', 'STARTED', 'TOOK', 'BY', 'MESSAGE']

export function addHistoryCommand(program: Command, act: Act): void {
  addHistoryOptions(program.command('history'), act)
}

/** `slipway history` and `slipway pipeline history`. */
export function addHistoryOptions(command: Command, act: Act): void {
  addNumberedPageOptions(
    command
      .description('the GitHub Actions runs of a repository, newest first')
      .argument('<repository>', 'owner/name', repositoryName)
      .option('--workflow <workflow>', "only of this one: its file's name or its id")
      .option('-b, --branch <branch>', 'only of this branch'),
    { most: 100, usual: 30 },
  ).action(act((context, flags: Flags, [name = '']) => showHistory(context, name, flags)))
}

async function showHistory(context: Context, name: string, flags: Flags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const { workflow, branch, limit } = flags
  const page = pageAt(flags)
  const query = {
    page,
    per_page: limit,
    ...(workflow === undefined ? {} : { workflow_id: workflow }),
    ...(branch === undefined ? {} : { branch }),
  }
  const shown = {
    read: () => client.pipelines.history(name, query, { signal }),
    json: (answer: PipelineHistoryResponse) => answer,
    header,
    rows: ({ runs }: PipelineHistoryResponse) => runs.map(runRow),
    below: ({ runs }: PipelineHistoryResponse, index: number) => failedPlaces(runs[index]),
    total: ({ metadata }: PipelineHistoryResponse) => metadata.total,
    empty: `No such runs of ${name}.`,
    everyMs: countedEveryMs,
  }
  return showList(context, shown, { ...flags, offset: (page - 1) * limit })
}

function runRow(run: PipelineRun): string[] {
  const [subject = ''] = run.commit_message.split('\n')
  return [
    run.status,
    String(run.id),
    run.name,
    run.branch,
    run.commit_sha.slice(0, 8),
    formatInstant(run.created_at),
    took(run.duration),
    run.actor,
    subject,
  ]
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
