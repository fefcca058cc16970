import type { BatchApproveResponse } from '@slipway/contract/batch'
import { maxBatchItems } from '@slipway/contract/vocabulary'
import { SlipwayError } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { limitConcurrency } from '../limit-concurrency.ts'
import { repositoryOption, toOption } from '../list-options.ts'
import { findReleaseIds } from '../name-release.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface CancelFlags {
  all?: boolean
  repository?: string
  branch?: string
}

interface ReleasesFlags {
  repository?: string
  environment: string
}

/** Newest runs among which the active ones are looked for; a repository has at most 100 of these. */
const runsLookedAt = 1000

export function addBatchCommand(program: Command, act: Act): void {
  const batch = program
    .command('batch')
    .description('cancel runs, approve and deploy releases, many at once')

  batch
    .command('cancel [run...]')
    .description('stop runs')
    .option('--all', 'every active run of the repository')
    .option(...repositoryOption)
    .option('-b, --branch <ref>', 'with --all: only of this branch or tag')
    .action(
      act((context, flags: CancelFlags, args) =>
        cancel(context, args.flat().filter(isWord), flags),
      ),
    )

  batch
    .command('approve <release...>')
    .description('approve releases, each an id or project/release, for an environment')
    .addOption(toOption('environment, such as production').makeOptionMandatory())
    .requiredOption('-m, --reason <text>', 'why, for the record')
    .option(...repositoryOption)
    .action(
      act((context, flags: ReleasesFlags & { reason: string }, args) =>
        approve(context, args.flat().filter(isWord), flags),
      ),
    )

  batch
    .command('promote <release...>')
    .description(
      'deploy releases, each an id or project/release, by the approvals they have where some are needed',
    )
    .addOption(toOption('environment, such as staging').makeOptionMandatory())
    .option(...repositoryOption)
    .action(
      act((context, flags: ReleasesFlags, args) =>
        promote(context, args.flat().filter(isWord), flags),
      ),
    )
}

function isWord(word: string | undefined): word is string {
  return word !== undefined
}

async function cancel(
  context: Context,
  words: readonly string[],
  flags: CancelFlags,
): Promise<number> {
  const { io } = context
  if (flags.all === true && words.length > 0) {
    throw new CliError('Name runs, or say --all, not both')
  }
  const run_ids = flags.all === true ? await findActiveRuns(context, flags) : unique(words)
  if (run_ids.length === 0) {
    if (flags.all !== true) throw new CliError('No runs are named', 'Name some, or say --all')
    if (context.json) await printJson(io, { succeeded: 0, failed: 0, results: [] })
    else await io.err.write('Nothing is running.\n')
    return exitCodes.success
  }
  const { client } = await context.connect()
  return tell(context, 'Cancelled', await client.batch.cancel({ run_ids }, { signal: io.signal }))
}

async function findActiveRuns(context: Context, flags: CancelFlags): Promise<string[]> {
  const repository = await findRepository(context.io, flags.repository)
  const { branch } = flags
  const { client } = await context.connect()
  const query = { repository, ...(branch === undefined ? {} : { branch }) }
  const active: string[] = []
  let seen = 0
  for await (const run of client.runs.iterate(query, { signal: context.io.signal })) {
    if (run.status === 'pending' || run.status === 'running') active.push(run.id)
    seen += 1
    if (seen === runsLookedAt || active.length === maxBatchItems) break
  }
  return active
}

async function approve(
  context: Context,
  words: readonly string[],
  flags: ReleasesFlags & { reason: string },
): Promise<number> {
  const release_ids = unique(await findReleaseIds(context, words, flags.repository))
  const { client } = await context.connect()
  const request = { release_ids, environment: flags.environment, justification: flags.reason }
  const answer = await client.batch.approve(request, { signal: context.io.signal })
  return tell(context, `Approved for ${flags.environment}`, answer)
}

async function promote(
  context: Context,
  words: readonly string[],
  flags: ReleasesFlags,
): Promise<number> {
  const release_ids = unique(await findReleaseIds(context, words, flags.repository))
  const approval_ids = await findApprovals(context, release_ids, flags.environment)
  const { client } = await context.connect()
  const request = { release_ids, environment: flags.environment, approval_ids }
  const answer = await client.batch.promote(request, { signal: context.io.signal })
  return tell(context, `Deployed to ${flags.environment}`, answer)
}

/** The newest active approval of each release that has one. Whether one is needed, the server says. */
async function findApprovals(
  context: Context,
  releaseIds: readonly string[],
  environment: string,
): Promise<Record<string, string>> {
  const { client } = await context.connect()
  const { signal } = context.io
  const limited = limitConcurrency(4)
  const found = await Promise.all(
    releaseIds.map((id) =>
      limited(() =>
        client.approvals.get(id, environment, { signal }).catch((error: unknown) => {
          if (error instanceof SlipwayError && error.status === 404) return null
          throw error
        }),
      ),
    ),
  )
  const active = found.filter((approval) => approval?.status === 'active')
  return Object.fromEntries(
    active.flatMap((approval) =>
      approval === null ? [] : [[approval.release_id, approval.approval_id]],
    ),
  )
}

/** Items that are named twice are meant once; too many are refused before anything is asked for. */
function unique(ids: readonly string[]): string[] {
  const different = [...new Set(ids)]
  if (different.length <= maxBatchItems) return different
  throw new CliError(`At most ${maxBatchItems} at once, not ${different.length}`)
}

type Answer = Pick<BatchApproveResponse, 'succeeded' | 'failed'> & {
  results: Pick<BatchApproveResponse['results'][number], 'id' | 'error'>[]
}

/** One line for each item; the exit code says whether all of them succeeded. */
async function tell(context: Context, done: string, answer: Answer): Promise<number> {
  const { io, styles } = context
  if (context.json) await printJson(io, answer)
  else {
    const lines = answer.results.map(({ id, error }) =>
      error === undefined
        ? `${styles.green('✔')} ${id}\n`
        : `${styles.red('✖')} ${id}  ${terminalWord(error.message)}\n`,
    )
    await io.out.write(lines.join(''))
    const rest = answer.failed === 0 ? '' : `, refused: ${answer.failed}`
    await io.err.write(`${terminalWord(done)}: ${answer.succeeded}${rest}\n`)
  }
  return answer.failed === 0 ? exitCodes.success : exitCodes.refused
}
