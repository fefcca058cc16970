import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'
import { numberOf } from './build-number.ts'

interface LogFlags {
  follow?: true
  after?: number
  tail?: number
}

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
  for await (const { seq, timestamp, line } of lines) {
    const time = `[${timestamp}]`
    if (json) await printJson(io, { seq, timestamp, line })
    // Into a file or a pipe goes what the log has.
    else if (!io.out.isTerminal) await io.out.write(`${time} ${line}\n`)
    else {
      const shown = terminalLine(line, styles.enabled)
      await io.out.write(`${styles.dim(terminalWord(time))} ${shown}\n`)
    }
  }
  return exitCodes.success
}
