import type { ListRunsResponse, Run, RunSummary } from '@slipway/contract/runs'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { readCheckout, resolveCommit } from '../git/read-checkout.ts'
import { addPageOptions, type PageFlags, repositoryOption } from '../list-options.ts'
import { formatInstant, formatSpan } from '../render/format-time.ts'
import { renderRunTree } from '../render/run-tree.ts'
import { showRun } from '../render/show-run.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showList } from '../show-list.ts'
import { addLogOptions, type LogFlags, printLogs } from './logs.ts'
import { printFailedSteps } from './print-failed-steps.ts'

interface StartFlags {
  repository?: string
  branch?: string
  commit?: string
  remote: string
  watch?: boolean
}

interface ListFlags extends PageFlags {
  repository?: string
  branch?: string
}

export function addRunCommand(program: Command, act: Act): void {
  const run = program.command('run').description('start, list, show, cancel and watch runs')

  run
    .command('start')
    .alias('create')
    .description('take a commit through a run; what is not given comes from the git checkout here')
    .option('-r, --repository <owner/name>', "default: that of the remote's URL")
    .option('-b, --branch <ref>', 'branch, or refs/tags/<name>; default: what is checked out')
    .option('-c, --commit <sha>', 'commit, also as a revision of the checkout; default: HEAD')
    .option('--remote <name>', 'remote that names the repository', 'origin')
    .option('-w, --watch', 'show it until it is finished, and exit with its outcome')
    .action(act((context, flags: StartFlags) => start(context, flags)))

  addPageOptions(
    run
      .command('list')
      .description('the newest runs of a repository')
      .option(...repositoryOption)
      .option('-b, --branch <ref>', 'only of this branch or tag'),
    { most: 100 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))

  run
    .command('show <run>')
    .alias('get')
    .description('a run with its phases, tasks and steps')
    .action(act((context, _flags, [id = '']) => show(context, id)))

  run
    .command('watch <run>')
    .description('show a run until it is finished, and exit with its outcome')
    .action(act((context, _flags, [id = '']) => watchRun(context, id)))

  run
    .command('cancel <run>')
    .description('stop a run')
    .action(act((context, _flags, [id = '']) => cancel(context, id)))

  addLogOptions(run.command('logs <run> [step]').description('the same as `slipway logs`')).action(
    act((context, flags: LogFlags, [id = '', step]) => printLogs(context, id, step, flags)),
  )
}

async function start(context: Context, flags: StartFlags): Promise<number> {
  const { io } = context
  const request = await completeRequest(context, flags)
  const { client } = await context.connect()
  const { signal } = io
  const run = await client.runs.create({ ...request, trigger_type: 'manual' }, { signal })
  if (flags.watch === true) return watchRun(context, run.id)
  if (context.json) await printJson(io, run)
  else {
    await io.out.write(`${run.id}\n`)
    await io.err.write(context.errorStyles.dim(`Watch it: slipway run watch ${run.id}\n`))
  }
  return exitCodes.success
}

async function completeRequest(context: Context, flags: StartFlags) {
  const { io } = context
  const { repository, branch, commit } = flags
  const isSha = commit !== undefined && /^[0-9a-f]{7,40}$/i.test(commit)
  if (repository && branch && isSha) return { repository, branch, commit_sha: commit }
  const checkout = await readCheckout(io, flags.remote)
  const named = repository ?? checkout.repository
  if (!named) {
    throw new CliError(
      `The remote ${flags.remote} does not say which repository this is`,
      'Say it: --repository owner/name',
    )
  }
  const ref = branch ?? checkout.ref
  if (!ref) throw new CliError('No branch and no tag is checked out', 'Say one: --branch main')
  const sha = isSha ? commit : commit ? await resolveCommit(io, commit) : checkout.commit
  if (!sha) throw new CliError(`Not a commit of this checkout: ${commit}`)
  if (commit === undefined && checkout.isDirty) {
    const note = 'Changes that are not committed are not part of the run.'
    await io.err.write(`${context.errorStyles.yellow(note)}\n`)
  }
  return { repository: named, branch: ref, commit_sha: sha }
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { signal } = context.io
  const repository = await findRepository(context.io, flags.repository)
  const { client } = await context.connect()
  const { branch, limit, offset } = flags
  const query = { repository, limit, offset, ...(branch === undefined ? {} : { branch }) }
  const shown = {
    read: () => client.runs.list(query, { signal }),
    json: (page: ListRunsResponse) => page,
    header: ['RUN', 'STATUS', 'BRANCH', 'COMMIT', 'STARTED', 'TOOK', 'BY'],
    rows: ({ runs }: ListRunsResponse) => runs.map(listRow),
    total: ({ total }: ListRunsResponse) => total,
    empty: `No runs of ${repository}. Start one: slipway run start`,
  }
  return showList(context, shown, flags)
}

function listRow(run: RunSummary): string[] {
  const started = formatInstant(run.started_at)
  const took = formatSpan(run, Date.now())
  const words = [run.id, run.status, run.branch, run.commit_sha.slice(0, 8), started, took]
  return [...words, run.triggered_by]
}

async function show(context: Context, id: string): Promise<number> {
  const { client } = await context.connect()
  const run = await client.runs.get(id, { signal: context.io.signal })
  if (context.json) await printJson(context.io, run)
  else {
    const { out } = context.io
    const columns = out.isTerminal ? out.columns() : 200
    const rows = Number.POSITIVE_INFINITY
    const options = { styles: context.styles, now: Date.now(), frame: 0, columns, rows }
    await out.write(
      renderRunTree(run, options)
        .map((line) => `${line}\n`)
        .join(''),
    )
    await printEnd(context, run)
  }
  return exitCodes.success
}

/** Shows a run until it is finished; the exit code is its outcome. */
export async function watchRun(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const states = client.runs.watch(id, { signal: io.signal })
  let last: Run | null = null
  try {
    if (context.json) {
      for await (const run of states) {
        last = run
        await printJson(io, run)
      }
    } else last = await showRun(io.out, context.styles, states)
  } catch (error) {
    if (io.signal.aborted)
      await io.err.write(`The run goes on. Stop it: slipway run cancel ${id}\n`)
    throw error
  }
  if (last === null) return exitCodes.failed
  if (!context.json) {
    await printEnd(context, last)
    await printFailedSteps(context, client, last)
  }
  return outcomeOf(last)
}

/** What the tree does not say: why, and what is wrong with the configuration. */
async function printEnd({ io, styles }: Context, run: Run): Promise<void> {
  if (run.message) await io.out.write(`${styles.bold(terminalWord(run.message))}\n`)
  for (const { file, path, line, message } of run.problems ?? []) {
    const place = terminalWord(
      `${file}${line === undefined ? '' : `:${line}`}${path ? ` ${path}` : ''}`,
    )
    await io.out.write(`  ${styles.red(place)}  ${terminalWord(message)}\n`)
  }
}

function outcomeOf(run: Run): number {
  if (run.status === 'success') return exitCodes.success
  return run.status === 'cancelled' ? exitCodes.cancelled : exitCodes.failed
}

async function cancel(context: Context, id: string): Promise<number> {
  const { client } = await context.connect()
  await client.runs.cancel(id, { signal: context.io.signal })
  if (context.json) await printJson(context.io, { id, status: 'cancelled' })
  else await context.io.err.write(`Cancelled ${id}\n`)
  return exitCodes.success
}
