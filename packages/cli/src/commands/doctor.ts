import { execFile } from 'node:child_process'
import { SlipwayError } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Io } from '../io.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface Finding {
  check: string
  /** `warn`: something works less well than it could. */
  result: 'pass' | 'warn' | 'fail'
  message: string
}

export function addDoctorCommand(program: Command, act: Act): void {
  program
    .command('doctor')
    .description('look for what would keep Slipway from working here')
    .action(act((context) => doctor(context)))
}

async function doctor(context: Context): Promise<number> {
  const { io, styles } = context
  const findings = [
    checkNode(process.versions.node),
    await checkProgram(io, 'git', ['--version'], 'fail', 'Without it nothing can be fetched.'),
    await checkProgram(
      io,
      'bwrap',
      ['--version'],
      'warn',
      'Without bubblewrap steps cannot be isolated on this machine.',
    ),
    ...(await checkServer(context)),
  ]
  if (context.json) await printJson(io, { findings })
  else {
    const marks = { pass: styles.green('✔'), warn: styles.yellow('!'), fail: styles.red('✖') }
    for (const { check, result, message } of findings) {
      await io.out.write(`${marks[result]} ${check}  ${styles.dim(terminalWord(message))}\n`)
    }
  }
  return findings.some(({ result }) => result === 'fail') ? exitCodes.failed : exitCodes.success
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isGood = major > 20 || (major === 20 && minor >= 19)
  const message = isGood ? version : `${version} is too old: 20.19 or newer is needed`
  return { check: 'node', result: isGood ? 'pass' : 'fail', message }
}

async function checkProgram(
  { env, cwd, signal }: Io,
  program: string,
  args: readonly string[],
  missing: 'warn' | 'fail',
  why: string,
): Promise<Finding> {
  const version = await new Promise<string | null>((resolve) => {
    execFile(program, args, { env, cwd, signal, timeout: 10_000 }, (error, stdout) =>
      resolve(error ? null : (stdout.trim().split('\n')[0] ?? '')),
    )
  })
  return version === null
    ? { check: program, result: missing, message: `It cannot be run. ${why}` }
    : { check: program, result: 'pass', message: version }
}

async function checkServer(context: Context): Promise<Finding[]> {
  const { signal } = context.io
  try {
    const { client, url, token } = await context.connect()
    const settings: Finding = { check: 'settings', result: 'pass', message: url }
    const { status } = await client.health({ signal })
    const health: Finding = {
      check: 'server',
      result: status === 'healthy' ? 'pass' : 'fail',
      message: status,
    }
    if (token === undefined) {
      return [
        settings,
        health,
        { check: 'token', result: 'warn', message: 'None is set: slipway login, or SLIPWAY_TOKEN' },
      ]
    }
    // Any token may have a ticket; an unknown one may not.
    await client.tickets.create({ signal })
    return [settings, health, { check: 'token', result: 'pass', message: 'The server knows it' }]
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof SlipwayError) {
      const check = error.status === 0 ? 'server' : 'token'
      return [{ check, result: 'fail', message: error.message }]
    }
    if (error instanceof CliError)
      return [{ check: 'settings', result: 'fail', message: error.message }]
    throw error
  }
}
