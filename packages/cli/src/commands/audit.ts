import type { AuditEntry } from '@slipway/contract/access'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import type { Context } from '../context.ts'
import { integerBetween } from '../integer-between.ts'
import { addWatchOption } from '../list-options.ts'
import { formatMoment } from '../render/format-time.ts'
import { showList } from '../show-list.ts'

interface Flags {
  search?: string
  before?: number
  limit: number
  watch?: boolean
}

export function addAuditCommand(program: Command, act: Act): void {
  const audit = program.command('audit').description('who did what, on what, from where')
  addWatchOption(
    audit
      .command('list')
      .description('the newest entries of the audit log')
      .option('--search <text>', 'only those with this in actor, action or resource')
      .option('-n, --limit <n>', 'how many, 1 to 10000', integerBetween(1, 10_000), 20)
      .option('--before <id>', 'only those with a smaller id', integerBetween(1, 2 ** 53 - 1)),
  ).action(act((context, flags: Flags) => list(context, flags)))
}

async function list(context: Context, flags: Flags): Promise<number> {
  const { signal } = context.io
  const { search, before, limit, watch } = flags
  const { client } = await context.connect()
  const query = {
    limit: Math.min(limit, 100),
    ...(search === undefined ? {} : { search }),
    ...(before === undefined ? {} : { before }),
  }
  const shown = {
    read: async () => {
      const entries: AuditEntry[] = []
      for await (const entry of client.audit.iterate(query, { signal })) {
        entries.push(entry)
        if (entries.length === limit) break
      }
      return entries
    },
    json: (entries: AuditEntry[]) => ({ entries }),
    header: ['ID', 'AT', 'ACTOR', 'ACTION', 'OUTCOME', 'FROM', 'RESOURCE'],
    rows: (entries: AuditEntry[]) => entries.map(rowOf),
    next: (entries: AuditEntry[]) => {
      const last = entries.at(-1)
      return entries.length < limit || last === undefined ? undefined : `--before ${last.id}`
    },
    empty: 'No such entries.',
  }
  return showList(context, shown, watch === undefined ? {} : { watch })
}

function rowOf({ id, at, actor, action, outcome, address, resource }: AuditEntry): string[] {
  return [String(id), formatMoment(at), actor, action, String(outcome), address, resource]
}
