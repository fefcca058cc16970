import { type Command, CommanderError } from 'commander'
import type { Act } from './act.ts'
import { findPlace } from './complete/find-place.ts'
import { type Connection, type Context, createContext, type GlobalOptions } from './context.ts'
import { createProgram } from './create-program.ts'
import { exitCodes } from './exit-codes.ts'
import { Interrupted } from './interrupted.ts'
import type { Io } from './io.ts'
import { terminalWord } from './render/terminal-text.ts'
import { createStyles, wantsColour } from './render/styles.ts'
import { pathOf } from './path-of.ts'
import { describeError, type ErrorReport } from './report-error.ts'

/** Runs the command line and says the exit code; errors are written, not thrown. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const isJson = wantsJson(argv)
  const printed: Promise<void>[] = []
  let context: Context | undefined
  let command: Command | undefined
  let code: number = exitCodes.success
  const act: Act =
    (work) =>
    async (...given) => {
      command = given.at(-1) as Command
      context = createContext(io, command.optsWithGlobals<GlobalOptions>())
      const args = command.processedArgs as (string | undefined)[]
      code = await work(context, command.opts() as Parameters<typeof work>[1], args)
    }
  const program = await createProgram(act, {
    writeOut: (text) => void printed.push(io.out.write(text)),
    // With --json the mistake is told as JSON, below.
    writeErr: (text) => void (isJson || printed.push(io.err.write(text))),
    outColumns: () => io.out.columns(),
    errColumns: () => io.err.columns(),
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    const options = { ...program.opts<GlobalOptions>(), json: isJson }
    const told = { command, connection: await settled(context), mistaken: helpFor(program, argv) }
    code = await report(io, error, options, told)
  }
  await Promise.all(printed)
  return code
}

/** Also where the rest of the words is wrong. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? undefined : end).includes('--json')
}

async function settled(context: Context | undefined): Promise<Connection | undefined> {
  return context?.connect().catch(() => undefined)
}

async function report(
  io: Io,
  error: unknown,
  options: GlobalOptions,
  {
    command,
    connection,
    mistaken,
  }: { command: Command | undefined; connection: Connection | undefined; mistaken: string },
): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.success
    // To people, commander has said already what was wrong.
    if (options.json === true) await printError(io, describeMistake(error, mistaken))
    return exitCodes.usage
  }
  if (io.signal.aborted) {
    const reason: unknown = io.signal.reason
    return reason instanceof Interrupted ? reason.exitCode : exitCodes.interrupted
  }
  const { exitCode, ...told } = describeError(error, { connection, list: listOf(command) })
  if (options.json === true) {
    await printError(io, told)
    return exitCode
  }
  const styles = createStyles(options.color !== false && wantsColour(io.err, io.env))
  await io.err.write(`${styles.red('error')}: ${terminalWord(told.message)}\n`)
  if (told.requestId) await io.err.write(styles.dim(`request ${terminalWord(told.requestId)}\n`))
  // A hint may have lines; what a server said in it may have none.
  const hint = told.hint?.split('\n').map(terminalWord).join('\n')
  if (hint) await io.err.write(`${hint}\n`)
  return exitCode
}

type Told = Omit<ErrorReport, 'exitCode'>

function printError(io: Io, error: Told): Promise<void> {
  return io.err.write(`${JSON.stringify({ error })}\n`)
}

/** Where the help of the command is that these words begin with. */
function helpFor(program: Command, argv: readonly string[]): string {
  return `See: ${['slipway', pathOf(findPlace(program, argv).command), '--help'].filter(Boolean).join(' ')}`
}

function describeMistake({ code, message }: CommanderError, see: string): Told {
  if (code === 'commander.help') {
    return { code: 'usage', message: 'No command was named', hint: see }
  }
  const [first = '', ...more] = message.replace(/^error: /, '').split('\n')
  return { code: 'usage', message: first, hint: [...more, see].join(' ') }
}

/** The command that lists what this one is about. */
function listOf(command: Command | undefined): string | undefined {
  const list = command?.parent?.commands.find((one) => one.name() === 'list')
  if (list === undefined || list === command) return undefined
  const needed = list.registeredArguments.filter(({ required }) => required)
  return ['slipway', pathOf(list), ...needed.map((one) => one.name().toUpperCase())].join(' ')
}
