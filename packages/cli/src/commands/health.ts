import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { terminalWord } from '../render/terminal-text.ts'

export function addHealthCommand(program: Command, act: Act): void {
  program
    .command('health')
    .description("the server's health; the exit code is 1 when something is not well")
    .action(act((context) => health(context)))
}

async function health(context: Context): Promise<number> {
  const { io, styles } = context
  const { client, url } = await context.connect()
  const report = await client.health({ signal: io.signal })
  const isHealthy = report.status === 'healthy'
  if (context.json) await printJson(io, report)
  else {
    const paint = isHealthy ? styles.green : styles.red
    await io.out.write(`${paint(terminalWord(report.status))}  ${url}\n`)
    for (const [name, result] of Object.entries(report.checks)) {
      const mark = result === 'pass' ? styles.green('✔') : styles.red('✖')
      await io.out.write(`  ${mark} ${terminalWord(name)}\n`)
    }
  }
  return isHealthy ? exitCodes.success : exitCodes.failed
}
