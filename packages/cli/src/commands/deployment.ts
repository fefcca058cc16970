import type {
  Deployment,
  DeploymentHistoryResponse,
  ListDeploymentsQuery,
  ListDeploymentsResponse,
} from '@slipway/contract/deployments'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import {
  addPageOptions,
  environmentOption,
  type PageFlags,
  repositoryOption,
} from '../list-options.ts'
import { formatInstant } from '../render/format-time.ts'
import { printFacts } from '../render/print-facts.ts'
import { showList } from '../show-list.ts'
import { addPromoteOptions, addRollbackOptions, watchDeployment } from './promote.ts'

interface ListFlags extends PageFlags {
  repository?: string
  project?: string
  environment?: string
  status?: Deployment['status']
}

interface PlaceFlags {
  repository?: string
  environment: string
}

export function addDeploymentCommand(program: Command, act: Act): void {
  const deployment = program
    .command('deployment')
    .alias('deployments')
    .description('deploy releases, and show what is where')

  addPromoteOptions(deployment.command('create <project> [release]'), act)
  addRollbackOptions(deployment.command('rollback <project>'), act)

  addPageOptions(
    deployment
      .command('list')
      .description('the newest deployments, everywhere')
      .option('-r, --repository <owner/name>', 'only of this repository')
      .option('-p, --project <project>', 'only of this project')
      .option('-e, --environment <environment>', 'only to this environment')
      .addOption(
        new Option('--status <status>', 'only these').choices(['pending', 'active', 'superseded']),
      ),
    { most: 100 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))

  addPageOptions(
    deployment
      .command('history <project>')
      .description('everything that was deployed of a project to an environment, newest first')
      .requiredOption(...environmentOption)
      .option(...repositoryOption),
    { most: 100 },
  ).action(
    act((context, flags: PlaceFlags & PageFlags, [project = '']) =>
      history(context, project, flags),
    ),
  )

  deployment
    .command('show <deployment>')
    .description('one deployment, and what came of it')
    .action(act((context, _flags, [id = '']) => show(context, id)))

  deployment
    .command('watch <deployment>')
    .description('wait until it is active, and exit with what came of it')
    .action(
      act(async (context, _flags, [id = '']) => {
        const { client } = await context.connect()
        return watchDeployment(context, client, id)
      }),
    )

  deployment
    .command('current <project>')
    .description('what is active of a project in an environment')
    .requiredOption(...environmentOption)
    .option(...repositoryOption)
    .action(act((context, flags: PlaceFlags, [project = '']) => current(context, project, flags)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { signal } = context.io
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
  const shown = {
    read: () => client.deployments.list(query, { signal }),
    json: (page: ListDeploymentsResponse) => page,
    header: ['DEPLOYMENT', 'STATUS', 'ENVIRONMENT', 'PROJECT', 'RELEASE', 'DEPLOYED', 'BY'],
    rows: ({ deployments }: ListDeploymentsResponse) => deployments.map(listRow),
    total: ({ has_more: more }: ListDeploymentsResponse) => (more ? 'more' : undefined),
    empty: 'No deployments. Make one: slipway promote PROJECT RELEASE --to dev',
  } as const
  return showList(context, shown, flags)
}

function listRow(one: Deployment): string[] {
  return [
    one.id,
    one.failed_at === null ? one.status : `${one.status} (failed)`,
    one.environment,
    `${one.repository}/${one.project}`,
    releaseWord(one),
    formatInstant(one.deployed_at),
    one.deployed_by,
  ]
}

async function history(
  context: Context,
  project: string,
  flags: PlaceFlags & PageFlags,
): Promise<number> {
  const { signal } = context.io
  const { environment, limit, offset } = flags
  const repository = await findRepository(context.io, flags.repository)
  const { client } = await context.connect()
  const place = { environment, repository, project }
  const shown = {
    read: () => client.deployments.history(place, { limit, offset }, { signal }),
    json: (page: DeploymentHistoryResponse) => page,
    header: ['DEPLOYMENT', 'STATUS', 'RELEASE', 'COMMIT', 'DEPLOYED', 'BY'],
    rows: ({ deployments }: DeploymentHistoryResponse) =>
      deployments.map((one) => [
        one.id,
        one.status,
        releaseWord(one),
        one.gitops_commit_sha.slice(0, 12),
        formatInstant(one.deployed_at),
        one.deployed_by,
      ]),
    total: ({ total }: DeploymentHistoryResponse) => total,
    empty: `Nothing of ${project} was ever deployed to ${environment}`,
  }
  return showList(context, shown, flags)
}

async function show(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const one = await client.deployments.get(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, one)
    return exitCodes.success
  }
  await printFacts(context, `${one.repository}/${one.project} in ${one.environment}`, [
    ['status', one.failed_at === null ? one.status : `${one.status} (failed)`],
    ['reason', one.reason],
    ['release', `${releaseWord(one)} (${one.release_id})`],
    ['deployed', `${formatInstant(one.deployed_at)} UTC by ${one.deployed_by}`],
    ['active', one.activated_at === null ? null : `${formatInstant(one.activated_at)} UTC`],
    ['approvals', one.approval_ids.join(' ') || null],
    ['commit', one.gitops_commit_sha],
    ['id', one.id],
  ])
  return exitCodes.success
}

async function current(context: Context, project: string, flags: PlaceFlags): Promise<number> {
  const { io } = context
  const repository = await findRepository(io, flags.repository)
  const { client } = await context.connect()
  const place = { environment: flags.environment, repository, project }
  const found = await client.deployments.current(place, { signal: io.signal })
  if (context.json) {
    await printJson(io, found)
    return exitCodes.success
  }
  await printFacts(context, `${project} in ${flags.environment}`, [
    ['release', `#${found.release_number} (${found.release_id})`],
    ['deployed', `${formatInstant(found.deployed_at)} UTC by ${found.deployed_by}`],
    ['commit', found.gitops_commit_sha],
    ['id', found.deployment_id],
  ])
  return exitCodes.success
}

function releaseWord(one: { release_number: number; rollback: boolean }): string {
  return `#${one.release_number}${one.rollback ? ' (back)' : ''}`
}
