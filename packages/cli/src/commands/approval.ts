import type {
  Approval,
  ListApprovalsQuery,
  ListApprovalsResponse,
  ListedApproval,
} from '@slipway/contract/approvals'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags, repositoryOption, toOption } from '../list-options.ts'
import { findReleaseId } from '../name-release.ts'
import { formatInstant } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showList } from '../show-list.ts'

interface ApproveFlags {
  repository?: string
  environment: string
  reason: string
}

interface ListFlags extends PageFlags {
  repository?: string
  environment?: string
  status?: 'active' | 'expired' | 'revoked'
}

type Words = readonly [string, string | undefined]

export function addApproveCommand(program: Command, act: Act): void {
  addApproveOptions(program.command('approve <project> [release]'), act)
}

/** `slipway approve` and `slipway approval create`. */
function addApproveOptions(command: Command, act: Act): void {
  command
    .description(
      'approve a release, named by alias, number or commit, for an environment; or by its id alone, in place of the project',
    )
    .addOption(toOption('environment, such as production').makeOptionMandatory())
    .requiredOption('-m, --reason <text>', 'why, for the record')
    .option(...repositoryOption)
    .action(
      act((context, flags: ApproveFlags, [project = '', release]) =>
        approve(context, [project, release], flags),
      ),
    )
}

export function addApprovalCommand(program: Command, act: Act): void {
  const approval = program
    .command('approval')
    .description('approve releases; show, list and revoke approvals')

  addApproveOptions(approval.command('create <project> [release]'), act)

  approval
    .command('show <project> [release]')
    .description('where the approval of a release for an environment stands')
    .addOption(toOption('environment, such as production').makeOptionMandatory())
    .option(...repositoryOption)
    .action(
      act((context, flags: Omit<ApproveFlags, 'reason'>, [project = '', release]) =>
        show(context, [project, release], flags),
      ),
    )

  addPageOptions(
    approval
      .command('list [project] [release]')
      .description('the newest approvals, of all releases or of one')
      .option(...repositoryOption)
      .addOption(toOption('only for this environment'))
      .addOption(
        new Option('--status <status>', 'only these').choices(['active', 'expired', 'revoked']),
      ),
    { most: 100 },
  ).action(
    act((context, flags: ListFlags, [project, release]) =>
      list(context, project === undefined ? null : [project, release], flags),
    ),
  )

  approval
    .command('revoke <approval>')
    .alias('delete')
    .description('take an approval back; what was deployed by it stays')
    .action(act((context, _flags, [id = '']) => revoke(context, id)))
}

async function approve(context: Context, words: Words, flags: ApproveFlags): Promise<number> {
  const { io } = context
  const releaseId = await findReleaseId(context, words, flags.repository)
  const { client } = await context.connect()
  const request = {
    release_id: releaseId,
    environment: flags.environment,
    justification: flags.reason,
  }
  const made = await client.approvals.create(request, { signal: io.signal })
  if (context.json) await printJson(io, made)
  else {
    await io.out.write(`${made.approval_id}\n`)
    const told = `Approved for ${flags.environment} until ${formatInstant(made.expires_at)} UTC`
    await io.err.write(`${context.errorStyles.dim(terminalWord(told))}\n`)
  }
  return exitCodes.success
}

async function show(
  context: Context,
  words: Words,
  flags: { repository?: string; environment: string },
): Promise<number> {
  const { io } = context
  const releaseId = await findReleaseId(context, words, flags.repository)
  const { client } = await context.connect()
  const found = await client.approvals.get(releaseId, flags.environment, { signal: io.signal })
  if (context.json) await printJson(io, found)
  else await printApproval(context, found)
  return exitCodes.success
}

async function printApproval({ io, styles }: Context, approval: Approval): Promise<void> {
  const { status, required, given } = approval
  const paint = status === 'active' ? styles.green : styles.red
  const count = required === 0 ? 'none needed' : `${given} of ${required}`
  const facts = [
    ['status', `${paint(status)} (${count})`],
    ['by', terminalWord(approval.approver)],
    ['given', `${formatInstant(approval.approved_at)} UTC`],
    ['until', `${formatInstant(approval.expires_at)} UTC`],
    ['reason', terminalWord(approval.justification)],
    ['id', approval.approval_id],
  ]
  const lines = facts.map(([key = '', value]) => `${styles.dim(key.padEnd(7))} ${value}\n`)
  await io.out.write(lines.join(''))
}

async function list(context: Context, words: Words | null, flags: ListFlags): Promise<number> {
  const { signal } = context.io
  const { environment, status, limit, offset } = flags
  const releaseId = words && (await findReleaseId(context, words, flags.repository))
  const { client } = await context.connect()
  const query: ListApprovalsQuery = {
    limit,
    offset,
    ...(releaseId === null ? {} : { release_id: releaseId }),
    ...(environment === undefined ? {} : { environment }),
    ...(status === undefined ? {} : { status }),
  }
  const shown = {
    read: () => client.approvals.list(query, { signal }),
    json: (page: ListApprovalsResponse) => page,
    header: ['APPROVAL', 'STATUS', 'ENVIRONMENT', 'RELEASE', 'UNTIL', 'BY', 'REASON'],
    rows: ({ approvals }: ListApprovalsResponse) => approvals.map(listRow),
    total: ({ has_more: more }: ListApprovalsResponse) => (more ? 'more' : undefined),
    empty: 'No approvals. Give one: slipway approve PROJECT RELEASE --to production',
  } as const
  return showList(context, shown, flags)
}

function listRow(approval: ListedApproval): string[] {
  const { repository, project, release_number } = approval
  return [
    approval.approval_id,
    approval.status,
    approval.environment,
    `${repository} ${project} #${release_number}`,
    formatInstant(approval.expires_at),
    approval.approver,
    approval.justification.slice(0, 60),
  ]
}

async function revoke(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  await client.approvals.revoke(id, { signal: io.signal })
  if (context.json) await printJson(io, { approval_id: id, status: 'revoked' })
  else await io.err.write(`Revoked ${terminalWord(id)}\n`)
  return exitCodes.success
}
