import type { Environment } from '@slipway/contract/environments'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findReleaseId } from '../name-release.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

export function addEnvironmentCommand(program: Command, act: Act): void {
  const environment = program.command('environment').description('show environments')
  environment
    .command('list [project] [release]')
    .description('all environments and their policies; of a release: what holds for that one')
    .option('-r, --repository <owner/name>', "default: that of the git checkout's remote")
    .action(
      act((context, flags: { repository?: string }, [project, release]) =>
        list(context, project === undefined ? null : [project, release], flags.repository),
      ),
    )
}

async function list(
  context: Context,
  words: readonly [string, string | undefined] | null,
  repository: string | undefined,
): Promise<number> {
  const { io, styles } = context
  const releaseId = words && (await findReleaseId(context, words, repository))
  const { client } = await context.connect()
  const query = releaseId === null ? {} : { releaseId }
  const environments = await client.environments.list(query, { signal: io.signal })
  if (context.json) {
    await printJson(io, { environments })
    return exitCodes.success
  }
  const header = ['ENVIRONMENT', 'APPROVAL', 'DEPLOYED UNASKED', 'LOGS']
  const [head = '', ...rows] = formatTable(header, environments.map(listRow)).split('\n')
  await io.out.write(`${styles.dim(head)}\n${rows.join('\n')}`)
  return exitCodes.success
}

function listRow(environment: Environment): string[] {
  const { name, log_retention_days: days } = environment
  return [name, approvalOf(environment), unaskedOf(environment), `${days} d`].map(terminalWord)
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
