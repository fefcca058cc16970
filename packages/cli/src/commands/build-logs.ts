import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { terminalLine } from '../render/terminal-text.ts'
import { numberOf } from './build-number.ts'

interface LogFlags {
  follow?: true
  after?: number
  tail?: number
}

/** In front of each line. */
const stamp = /^\[([^\]\s]{10,40})\] ?/

export function addBuildLogsCommand(build: Command, act: Act): void {
  build
    .command('logs <build>')
    .description('its log; each line begins with its time')
    .option('-f, --follow', 'go on with what is written, until the build has ended')
    .option('-n, --tail <n>', 'only the last lines', integerBetween(0, 1_000_000))
    .option('--after <line>', 'only lines behind this one', integerBetween(0, 2 ** 53 - 1))
    .action(act((context, flags: LogFlags, [which = '']) => logs(context, which, flags)))
}

async function logs(context: Context, which: string, flags: LogFlags): Promise<number> {
  const { io, json, styles } = context
  const { client } = await context.connect()
  const lines = client.builds.logs(numberOf(which), { ...flags, signal: io.signal })
  for await (const { seq, timestamp: arrived, line } of lines) {
    const [begin = '', timestamp = arrived] = stamp.exec(line) ?? []
    if (json) await printJson(io, { seq, timestamp, line: line.slice(begin.length) })
    // Into a file or a pipe goes what the server wrote, byte for byte.
    else if (!io.out.isTerminal) await io.out.write(`${line}\n`)
    else {
      const shown = terminalLine(line.slice(begin.length), styles.enabled)
      await io.out.write(`${styles.dim(begin)}${shown}\n`)
    }
  }
  return exitCodes.success
}
