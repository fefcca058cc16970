import type { Approval, ListApprovalsQuery, ListedApproval } from '@slipway/contract/approvals'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { findReleaseId } from '../name-release.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface ApproveFlags {
  repository?: string
  to: string
  reason: string
}

interface ListFlags {
  repository?: string
  to?: string
  status?: 'active' | 'expired' | 'revoked'
  limit: number
  offset: number
}

type Words = readonly [string, string | undefined]

const repositoryOption = [
  '-r, --repository <owner/name>',
  "default: that of the git checkout's remote",
] as const

export function addApproveCommand(program: Command, act: Act): void {
  program
    .command('approve <project> [release]')
    .description(
      'approve a release, named by alias, number or commit, for an environment; or by its id alone, in place of the project',
    )
    .requiredOption('--to <environment>', 'environment, such as production')
    .requiredOption('-m, --reason <text>', 'why, for the record')
    .option(...repositoryOption)
    .action(
      act((context, flags: ApproveFlags, [project = '', release]) =>
        approve(context, [project, release], flags),
      ),
    )
}

export function addApprovalCommand(program: Command, act: Act): void {
  const approval = program.command('approval').description('show, list and revoke approvals')

  approval
    .command('show <project> [release]')
    .description('where the approval of a release for an environment stands')
    .requiredOption('--to <environment>', 'environment, such as production')
    .option(...repositoryOption)
    .action(
      act((context, flags: Omit<ApproveFlags, 'reason'>, [project = '', release]) =>
        show(context, [project, release], flags),
      ),
    )

  approval
    .command('list [project] [release]')
    .description('the newest approvals, of all releases or of one')
    .option(...repositoryOption)
    .option('--to <environment>', 'only for this environment')
    .addOption(
      new Option('--status <status>', 'only these').choices(['active', 'expired', 'revoked']),
    )
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 20)
    .option('--offset <n>', 'skip so many', integerBetween(0, Number.MAX_SAFE_INTEGER), 0)
    .action(
      act((context, flags: ListFlags, [project, release]) =>
        list(context, project === undefined ? null : [project, release], flags),
      ),
    )

  approval
    .command('revoke <approval>')
    .description('take an approval back; what was deployed by it stays')
    .action(act((context, _flags, [id = '']) => revoke(context, id)))
}

async function approve(context: Context, words: Words, flags: ApproveFlags): Promise<number> {
  const { io } = context
  const releaseId = await findReleaseId(context, words, flags.repository)
  const { client } = await context.connect()
  const request = {
    release_id: releaseId,
    environment: flags.to,
    justification: flags.reason,
  }
  const made = await client.approvals.create(request, { signal: io.signal })
  if (context.json) await printJson(io, made)
  else {
    await io.out.write(`${made.approval_id}\n`)
    const told = `Approved for ${flags.to} until ${shortTime(made.expires_at)} UTC`
    await io.err.write(`${context.errorStyles.dim(terminalWord(told))}\n`)
  }
  return exitCodes.success
}

async function show(
  context: Context,
  words: Words,
  flags: { repository?: string; to: string },
): Promise<number> {
  const { io } = context
  const releaseId = await findReleaseId(context, words, flags.repository)
  const { client } = await context.connect()
  const found = await client.approvals.get(releaseId, flags.to, { signal: io.signal })
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
    ['given', `${shortTime(approval.approved_at)} UTC`],
    ['until', `${shortTime(approval.expires_at)} UTC`],
    ['reason', terminalWord(approval.justification)],
    ['id', approval.approval_id],
  ]
  const lines = facts.map(([key = '', value]) => `${styles.dim(key.padEnd(7))} ${value}\n`)
  await io.out.write(lines.join(''))
}

async function list(context: Context, words: Words | null, flags: ListFlags): Promise<number> {
  const { io, styles } = context
  const { to, status, limit, offset } = flags
  const releaseId = words && (await findReleaseId(context, words, flags.repository))
  const { client } = await context.connect()
  const query: ListApprovalsQuery = {
    limit,
    offset,
    ...(releaseId === null ? {} : { release_id: releaseId }),
    ...(to === undefined ? {} : { environment: to }),
    ...(status === undefined ? {} : { status }),
  }
  const page = await client.approvals.list(query, { signal: io.signal })
  if (context.json) {
    await printJson(io, page)
    return exitCodes.success
  }
  if (page.approvals.length === 0) {
    await io.err.write('No approvals. Give one: slipway approve PROJECT RELEASE --to production\n')
    return exitCodes.success
  }
  const header = ['APPROVAL', 'STATUS', 'ENVIRONMENT', 'RELEASE', 'UNTIL', 'BY', 'REASON']
  const [head = '', ...rows] = formatTable(header, page.approvals.map(listRow)).split('\n')
  await io.out.write(`${styles.dim(head)}\n${rows.join('\n')}`)
  if (page.has_more) {
    const end = offset + page.approvals.length
    await io.err.write(styles.dim(`There are more; go on with --offset ${end}\n`))
  }
  return exitCodes.success
}

function listRow(approval: ListedApproval): string[] {
  const { repository, project, release_number } = approval
  return [
    approval.approval_id,
    approval.status,
    approval.environment,
    `${repository} ${project} #${release_number}`,
    shortTime(approval.expires_at),
    approval.approver,
    approval.justification.slice(0, 60),
  ].map(terminalWord)
}

async function revoke(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  await client.approvals.revoke(id, { signal: io.signal })
  if (context.json) await printJson(io, { approval_id: id, status: 'revoked' })
  else await io.err.write(`Revoked ${terminalWord(id)}\n`)
  return exitCodes.success
}

function shortTime(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}
