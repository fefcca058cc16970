import type { FollowedEvent } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface EventFlags {
  after?: number
  type?: string[]
  repository?: string
  run?: string
  limit?: number
}

export function addEventsCommand(program: Command, act: Act): void {
  program
    .command('events')
    .description('follow the events of the server as they happen')
    .option('-f, --follow', 'the default, there to be said')
    .option('--after <id>', 'begin behind this event; 0 is the oldest that is kept', integer)
    .option('--type <type...>', 'only of these types, or prefixes such as "pipeline.run.*"')
    .option('-r, --repository <owner/name>', 'only of this repository')
    .option('--run <id>', 'only of this run')
    .option('-n, --limit <n>', 'end after so many', integer)
    .action(act((context, flags: EventFlags) => printEvents(context, flags)))
}

const integer = integerBetween(0, Number.MAX_SAFE_INTEGER)

async function printEvents(context: Context, flags: EventFlags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const { after, type: types, repository, run: run_id, limit } = flags
  if (limit === 0) return exitCodes.success
  let seen = 0
  const options = { after, types, repository, run_id, signal: io.signal }
  for await (const followed of client.events.follow(options)) {
    if (context.json) await printJson(io, { id: followed.id, ...followed.event })
    else await io.out.write(formatEvent(context, followed))
    seen += 1
    if (seen === limit) break
  }
  return exitCodes.success
}

function formatEvent({ styles }: Context, { id, event }: FollowedEvent): string {
  const { event_type, timestamp, data } = event
  const fields = Object.entries(data).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${styles.dim(`${terminalWord(name)}=`)}${terminalWord(text)}`
  })
  const head = `${styles.dim(`${id} ${terminalWord(timestamp)}`)} ${styles.bold(terminalWord(event_type))}`
  return `${head} ${fields.join(' ')}\n`
}
