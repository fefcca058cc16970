import type {
  ListPullRequestsQuery,
  ListPullRequestsResponse,
  PullRequest,
} from '@slipway/contract/github'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { showList } from '../show-list.ts'
import { watchRun } from './run.ts'

interface ListFlags extends PageFlags {
  repository?: string
  status: 'waiting' | 'approved' | 'superseded' | 'closed'
  all?: boolean
}

export function addPullRequestCommand(program: Command, act: Act): void {
  const pullRequest = program
    .command('pull-request')
    .description('show pull requests from forks, and let them run')

  addPageOptions(
    pullRequest
      .command('list')
      .description('those that wait for somebody to let them run')
      .option('-r, --repository <owner/name>', 'only of this repository')
      .addOption(
        new Option('--status <status>', 'those with this status')
          .choices(['waiting', 'approved', 'superseded', 'closed'])
          .default('waiting'),
      )
      .option('--all', 'whatever their status is'),
    { most: 100 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))

  pullRequest
    .command('approve <pull-request>')
    .description('let the commit run, without secrets; prints the id of its run')
    .option('-w, --watch', 'show the run until it is finished, and exit with its outcome')
    .action(act((context, flags: { watch?: boolean }, [id = '']) => approve(context, id, flags)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { signal } = context.io
  const { repository, status, all, limit, offset } = flags
  const { client } = await context.connect()
  const query: ListPullRequestsQuery = {
    limit,
    offset,
    ...(repository === undefined ? {} : { repository }),
    ...(all === true ? {} : { status }),
  }
  const shown = {
    read: () => client.pullRequests.list(query, { signal }),
    json: (page: ListPullRequestsResponse) => page,
    header: ['ID', 'STATUS', 'PULL REQUEST', 'COMMIT', 'AUTHOR', 'FROM', 'TITLE'],
    rows: ({ pull_requests: found }: ListPullRequestsResponse) => found.map(listRow),
    total: ({ has_more: more }: ListPullRequestsResponse) => (more ? 'more' : undefined),
    empty: all === true ? 'No pull requests.' : `None is ${status}. Whatever their status: --all`,
  } as const
  return showList(context, shown, flags)
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
  ]
}

async function approve(context: Context, id: string, flags: { watch?: boolean }): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const run = await client.pullRequests.approve(id, { signal: io.signal })
  if (flags.watch === true) return watchRun(context, run.id)
  if (context.json) await printJson(io, run)
  else {
    await io.out.write(`${run.id}\n`)
    await io.err.write(context.errorStyles.dim(`See it: slipway run watch ${run.id}\n`))
  }
  return exitCodes.success
}
