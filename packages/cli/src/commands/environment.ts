import type { Environment } from '@slipway/contract/environments'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import type { Context } from '../context.ts'
import { addWatchOption, repositoryOption } from '../list-options.ts'
import { findReleaseId } from '../name-release.ts'
import { showList } from '../show-list.ts'

export function addEnvironmentCommand(program: Command, act: Act): void {
  const environment = program.command('environment').description('show environments')
  addWatchOption(
    environment
      .command('list [project] [release]')
      .description('all environments and their policies; of a release: what holds for that one')
      .option(...repositoryOption),
  ).action(
    act((context, flags: { repository?: string; watch?: boolean }, [project, release]) =>
      list(context, project === undefined ? null : [project, release], flags),
    ),
  )
}

async function list(
  context: Context,
  words: readonly [string, string | undefined] | null,
  flags: { repository?: string; watch?: boolean },
): Promise<number> {
  const { signal } = context.io
  const releaseId = words && (await findReleaseId(context, words, flags.repository))
  const { client } = await context.connect()
  const query = releaseId === null ? {} : { releaseId }
  const shown = {
    read: () => client.environments.list(query, { signal }),
    json: (environments: Environment[]) => ({ environments }),
    header: ['ENVIRONMENT', 'APPROVAL', 'DEPLOYED UNASKED', 'LOGS'],
    rows: (environments: Environment[]) => environments.map(listRow),
    empty: 'No environments: configure some in the file of SLIPWAY_CONFIG',
  }
  return showList(context, shown, flags)
}

function listRow(environment: Environment): string[] {
  const { name, log_retention_days: days } = environment
  return [name, approvalOf(environment), unaskedOf(environment), `${days} d`]
}

function approvalOf({ approval }: Environment): string {
  if (!approval.required) return 'none'
  const who = approval.roles.length === 0 ? 'nobody' : approval.roles.join('/')
  const own = approval.self_approval ? '' : ', not one’s own'
  const hours = Math.floor(approval.expires_seconds / 3600)
  const time = hours >= 1 ? `${hours} h` : `${Math.floor(approval.expires_seconds / 60)} min`
  return `${approval.approvals} of ${who}, for ${time}${own}`
}

function unaskedOf(environment: Environment): string {
  const { auto_deploy, branches, repository_branches: also, triggers } = environment
  if (!auto_deploy || environment.approval.required) return 'nothing'
  const globs = `${branches.join(' ')}${also === undefined ? '' : ` and ${also.join(' ')}`}`
  return triggers
    .map((trigger) => (trigger === 'tag' ? 'tags' : `${trigger} (${globs})`))
    .join(', ')
}
