import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import type { Finding } from '../doctor/finding.ts'
import { exitCodes } from '../exit-codes.ts'
import { terminalWord } from '../render/terminal-text.ts'

export function addDoctorCommand(program: Command, act: Act): void {
  program
    .command('doctor')
    .description(
      'look for what would keep Slipway from working here: machine, files, server, token',
    )
    .action(act((context) => doctor(context, program.version() ?? '')))
}

async function doctor(context: Context, version: string): Promise<number> {
  const { io } = context
  // Loaded when they are needed: no other command is to wait for them.
  const [{ checkMachine }, { checkServer }] = await Promise.all([
    import('../doctor/check-machine.ts'),
    import('../doctor/check-server.ts'),
  ])
  const findings = [...(await checkMachine(io)), ...(await checkServer(context, version))]
  if (context.json) await printJson(io, { findings })
  else await print(context, findings)
  return findings.some(({ result }) => result === 'fail') ? exitCodes.failed : exitCodes.success
}

async function print({ io, styles }: Context, findings: readonly Finding[]): Promise<void> {
  const words = {
    pass: styles.green('OK  '),
    warn: styles.yellow('warn'),
    fail: styles.red('fail'),
  }
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { check, result, message, advice } of findings) {
    await io.out.write(`${words[result]}  ${check.padEnd(width)}  ${terminalWord(message)}\n`)
    if (advice !== undefined) await io.out.write(`      ${styles.dim(terminalWord(advice))}\n`)
  }
}
