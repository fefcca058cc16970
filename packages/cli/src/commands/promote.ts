import type { Deployment } from '@slipway/contract/deployments'
import { type SlipwayClient, SlipwayError } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { environmentOption, repositoryOption, toOption } from '../list-options.ts'
import { findReleaseId } from '../name-release.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface DeployFlags {
  repository?: string
  approval?: string
  watch?: boolean
}

export function addPromoteCommand(program: Command, act: Act): void {
  addPromoteOptions(program.command('promote <project> [release]'), act)
}

export function addRollbackCommand(program: Command, act: Act): void {
  addRollbackOptions(program.command('rollback <project>'), act)
}

/** `slipway promote` and `slipway deployment create`. */
export function addPromoteOptions(command: Command, act: Act): void {
  deployOptions(
    command
      .description(
        'deploy a release, named by alias, number or commit; or by its id alone, in place of the project',
      )
      .addOption(toOption('environment, such as staging').makeOptionMandatory()),
  ).action(
    act((context, flags: DeployFlags & { environment: string }, [project = '', release]) =>
      promote(context, [project, release], flags),
    ),
  )
}

/** `slipway rollback` and `slipway deployment rollback`. */
export function addRollbackOptions(command: Command, act: Act): void {
  deployOptions(
    command
      .description('deploy an older release again; its deployment id is printed')
      .requiredOption(...environmentOption)
      .option('--to <release>', 'alias, number or commit; default: what was active before'),
  ).action(
    act((context, flags: DeployFlags & { environment: string; to?: string }, [project = '']) =>
      rollBack(context, project, flags),
    ),
  )
}

function deployOptions(command: Command): Command {
  return command
    .option(...repositoryOption)
    .option(
      '--approval <id>',
      'approval, where the environment needs one; default: the newest that holds',
    )
    .option('-w, --watch', 'wait until it is active, and exit with what came of it')
}

async function promote(
  context: Context,
  words: readonly [string, string | undefined],
  flags: DeployFlags & { environment: string },
): Promise<number> {
  const releaseId = await findReleaseId(context, words, flags.repository)
  return deploy(context, { releaseId, environment: flags.environment }, flags)
}

async function rollBack(
  context: Context,
  project: string,
  flags: DeployFlags & { environment: string; to?: string },
): Promise<number> {
  const { environment, to } = flags
  if (to !== undefined) {
    const releaseId = await findReleaseId(context, [project, to], flags.repository)
    return deploy(context, { releaseId, environment }, flags)
  }
  const repository = await findRepository(context.io, flags.repository)
  const { client } = await context.connect()
  const place = { environment, repository, project }
  const releaseId = await releaseBefore(client, place, context.io.signal)
  return deploy(context, { releaseId, environment }, flags)
}

/** The newest release below the newest deployment's that was active in the place. */
async function releaseBefore(
  client: SlipwayClient,
  place: { environment: string; repository: string; project: string },
  signal: AbortSignal,
): Promise<string> {
  let newest: number | undefined
  for await (const entry of client.deployments.iterateHistory(place, {}, { signal })) {
    newest ??= entry.release_number
    if (entry.release_number >= newest) continue
    const { activated_at } = await client.deployments.get(entry.id, { signal })
    if (activated_at !== null) return entry.release_id
  }
  throw new CliError(
    newest === undefined
      ? `Nothing of ${place.project} was ever deployed to ${place.environment}`
      : `No older release of ${place.project} than #${newest} was ever active in ${place.environment}`,
    'Say which one: --to 42',
    exitCodes.refused,
  )
}

async function deploy(
  context: Context,
  { releaseId, environment }: { releaseId: string; environment: string },
  flags: DeployFlags,
): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const made = await create(context, client, { releaseId, environment, approval: flags.approval })
  if (flags.watch === true) return watchDeployment(context, client, made.id)
  if (context.json) await printJson(io, made)
  else {
    await io.out.write(`${made.id}\n`)
    const told = `Committed as ${made.gitops_commit_sha.slice(0, 12)} for ${environment}`
    await io.err.write(`${context.errorStyles.dim(terminalWord(told))}\n`)
  }
  return exitCodes.success
}

/** Takes the approval that is there, where one is needed and none was named. */
async function create(
  { io, errorStyles }: Context,
  client: SlipwayClient,
  input: { releaseId: string; environment: string; approval: string | undefined },
) {
  const { releaseId, environment, approval } = input
  const { signal } = io
  const request = { release_id: releaseId, environment }
  const named = approval === undefined ? request : { ...request, approval_id: approval }
  try {
    return await client.deployments.create(named, { signal })
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.details?.reason !== 'missing') throw error
    const found = await client.approvals.get(releaseId, environment, { signal }).catch(() => null)
    if (found?.status !== 'active') throw error
    const told = `With the approval of ${found.approver}: ${found.justification}`
    await io.err.write(`${errorStyles.dim(terminalWord(told))}\n`)
    return client.deployments.create({ ...request, approval_id: found.approval_id }, { signal })
  }
}

/** Tells of each change until it is active or has failed; the exit code says which. */
export async function watchDeployment(
  context: Context,
  client: SlipwayClient,
  id: string,
): Promise<number> {
  const { io, styles } = context
  let last: Deployment | undefined
  for await (const deployment of client.deployments.watch(id, { signal: io.signal })) {
    if (context.json) await printJson(io, deployment)
    else if (deployment.status !== last?.status || deployment.reason !== last?.reason) {
      const { status, environment, release_number, reason } = deployment
      const told = `#${release_number} in ${environment}: ${status}${reason === undefined ? '' : `, ${reason}`}`
      await io.err.write(`${context.errorStyles.dim(terminalWord(told))}\n`)
    }
    last = deployment
  }
  if (!context.json && last !== undefined) {
    const paint = last.status === 'active' ? styles.green : styles.red
    await io.out.write(`${id} ${paint(last.status)}\n`)
  }
  return last?.status === 'active' ? exitCodes.success : exitCodes.failed
}
