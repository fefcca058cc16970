import type { ListPullRequestsQuery, PullRequest } from '@slipway/contract/github'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface ListFlags {
  repository?: string
  status: 'waiting' | 'approved' | 'superseded' | 'closed'
  all?: boolean
  limit: number
  offset: number
}

export function addPullRequestCommand(program: Command, act: Act): void {
  const pullRequest = program
    .command('pull-request')
    .description('show pull requests from forks, and let them run')

  pullRequest
    .command('list')
    .description('those that wait for somebody to let them run')
    .option('-r, --repository <owner/name>', 'only of this repository')
    .addOption(
      new Option('--status <status>', 'those with this status')
        .choices(['waiting', 'approved', 'superseded', 'closed'])
        .default('waiting'),
    )
    .option('--all', 'whatever their status is')
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 20)
    .option('--offset <n>', 'skip so many', integerBetween(0, Number.MAX_SAFE_INTEGER), 0)
    .action(act((context, flags: ListFlags) => list(context, flags)))

  pullRequest
    .command('approve <id>')
    .description('let the commit run, without secrets; prints the id of its run')
    .action(act((context, _flags, [id = '']) => approve(context, id)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { io, styles } = context
  const { repository, status, all, limit, offset } = flags
  const { client } = await context.connect()
  const query: ListPullRequestsQuery = {
    limit,
    offset,
    ...(repository === undefined ? {} : { repository }),
    ...(all === true ? {} : { status }),
  }
  const page = await client.pullRequests.list(query, { signal: io.signal })
  if (context.json) {
    await printJson(io, page)
    return exitCodes.success
  }
  if (page.pull_requests.length === 0) {
    await io.err.write(all === true ? 'No pull requests.\n' : `None is ${status}.\n`)
    return exitCodes.success
  }
  const header = ['ID', 'STATUS', 'PULL REQUEST', 'COMMIT', 'AUTHOR', 'FROM', 'TITLE']
  const [head = '', ...rows] = formatTable(header, page.pull_requests.map(listRow)).split('\n')
  await io.out.write(`${styles.dim(head)}\n${rows.join('\n')}`)
  if (page.has_more) {
    const end = offset + page.pull_requests.length
    await io.err.write(styles.dim(`There are more; go on with --offset ${end}\n`))
  }
  return exitCodes.success
}

function listRow(request: PullRequest): string[] {
  return [
    request.id,
    request.status,
    `${request.repository}#${request.number}`,
    request.commit_sha.slice(0, 12),
    request.author,
    request.head_repository ?? '-',
    request.title.slice(0, 60),
  ].map(terminalWord)
}

async function approve(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const run = await client.pullRequests.approve(id, { signal: io.signal })
  if (context.json) await printJson(io, run)
  else {
    await io.out.write(`${run.id}\n`)
    await io.err.write(context.errorStyles.dim(`See it: slipway run watch ${run.id}\n`))
  }
  return exitCodes.success
}
