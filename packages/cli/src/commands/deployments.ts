import type { Deployment, ListDeploymentsQuery } from '@slipway/contract/deployments'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { integerBetween } from '../integer-between.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface ListFlags {
  repository?: string
  project?: string
  environment?: string
  status?: Deployment['status']
  limit: number
  offset: number
}

interface PlaceFlags {
  repository?: string
  environment: string
}

const repositoryOption = [
  '-r, --repository <owner/name>',
  "default: that of the git checkout's remote",
] as const
const environmentOption = [
  '-e, --environment <environment>',
  'environment, such as production',
] as const

export function addDeploymentsCommand(program: Command, act: Act): void {
  const deployments = program
    .command('deployments')
    .description('list what was deployed, and show what is active')

  deployments
    .command('list')
    .description('the newest deployments, everywhere')
    .option('-r, --repository <owner/name>', 'only of this repository')
    .option('-p, --project <project>', 'only of this project')
    .option('-e, --environment <environment>', 'only to this environment')
    .addOption(
      new Option('--status <status>', 'only these').choices(['pending', 'active', 'superseded']),
    )
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 20)
    .option('--offset <n>', 'skip so many', integerBetween(0, Number.MAX_SAFE_INTEGER), 0)
    .action(act((context, flags: ListFlags) => list(context, flags)))

  deployments
    .command('history <project>')
    .description('everything that was deployed of a project to an environment, newest first')
    .requiredOption(...environmentOption)
    .option(...repositoryOption)
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 20)
    .option('--offset <n>', 'skip so many', integerBetween(0, Number.MAX_SAFE_INTEGER), 0)
    .action(
      act((context, flags: PlaceFlags & { limit: number; offset: number }, [project = '']) =>
        history(context, project, flags),
      ),
    )

  deployments
    .command('current <project>')
    .description('what is active of a project in an environment')
    .requiredOption(...environmentOption)
    .option(...repositoryOption)
    .action(act((context, flags: PlaceFlags, [project = '']) => current(context, project, flags)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { io } = context
  const { repository, project, environment, status, limit, offset } = flags
  const { client } = await context.connect()
  const query: ListDeploymentsQuery = {
    limit,
    offset,
    ...(repository === undefined ? {} : { repository }),
    ...(project === undefined ? {} : { project }),
    ...(environment === undefined ? {} : { environment }),
    ...(status === undefined ? {} : { status }),
  }
  const page = await client.deployments.list(query, { signal: io.signal })
  if (context.json) {
    await printJson(io, page)
    return exitCodes.success
  }
  if (page.deployments.length === 0) {
    await io.err.write('No deployments. Make one: slipway promote <project> <release> --to dev\n')
    return exitCodes.success
  }
  const header = ['DEPLOYMENT', 'STATUS', 'ENVIRONMENT', 'PROJECT', 'RELEASE', 'DEPLOYED', 'BY']
  const rows = page.deployments.map((one) => [
    one.id,
    one.failed_at === null ? one.status : `${one.status} (failed)`,
    one.environment,
    `${one.repository}/${one.project}`,
    releaseWord(one),
    shortTime(one.deployed_at),
    one.deployed_by,
  ])
  await printTable(context, header, rows)
  if (page.has_more) {
    const next = offset + page.deployments.length
    await io.err.write(context.errorStyles.dim(`There are more; go on with --offset ${next}\n`))
  }
  return exitCodes.success
}

async function history(
  context: Context,
  project: string,
  flags: PlaceFlags & { limit: number; offset: number },
): Promise<number> {
  const { io } = context
  const { environment, limit, offset } = flags
  const repository = await findRepository(io, flags.repository)
  const { client } = await context.connect()
  const place = { environment, repository, project }
  const page = await client.deployments.history(place, { limit, offset }, { signal: io.signal })
  if (context.json) {
    await printJson(io, page)
    return exitCodes.success
  }
  if (page.total === 0) {
    await io.err.write(`Nothing of ${project} was ever deployed to ${environment}\n`)
    return exitCodes.success
  }
  const header = ['RELEASE', 'STATUS', 'DEPLOYED', 'BY', 'COMMIT', 'DEPLOYMENT']
  const rows = page.deployments.map((one) => [
    releaseWord(one),
    one.status,
    shortTime(one.deployed_at),
    one.deployed_by,
    one.gitops_commit_sha.slice(0, 12),
    one.id,
  ])
  await printTable(context, header, rows)
  const end = offset + page.deployments.length
  if (end < page.total) {
    const told = `${end} of ${page.total}; go on with --offset ${end}\n`
    await io.err.write(context.errorStyles.dim(told))
  }
  return exitCodes.success
}

async function current(context: Context, project: string, flags: PlaceFlags): Promise<number> {
  const { io, styles } = context
  const repository = await findRepository(io, flags.repository)
  const { client } = await context.connect()
  const place = { environment: flags.environment, repository, project }
  const found = await client.deployments.current(place, { signal: io.signal })
  if (context.json) {
    await printJson(io, found)
    return exitCodes.success
  }
  const facts: [string, string][] = [
    ['release', `#${found.release_number} (${found.release_id})`],
    ['deployed', `${shortTime(found.deployed_at)} UTC by ${found.deployed_by}`],
    ['commit', found.gitops_commit_sha],
    ['id', found.deployment_id],
  ]
  const lines = facts.map(([key, value]) => `${styles.dim(key.padEnd(9))}${terminalWord(value)}\n`)
  await io.out.write(lines.join(''))
  return exitCodes.success
}

async function printTable(
  { io, styles }: Context,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  const [head = '', ...lines] = formatTable(
    header,
    rows.map((row) => row.map(terminalWord)),
  ).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
}

function releaseWord(one: { release_number: number; rollback: boolean }): string {
  return `#${one.release_number}${one.rollback ? ' (back)' : ''}`
}

function shortTime(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}
