import { readFile } from 'node:fs/promises'
import { Command, CommanderError } from 'commander'
import { addApprovalCommand, addApproveCommand } from './commands/approval.ts'
import { addBatchCommand } from './commands/batch.ts'
import { addBrandingCommand } from './commands/branding.ts'
import { addBuildCommand } from './commands/build.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addConfigurationCommand } from './commands/configuration.ts'
import { addCredentialCommand } from './commands/credential.ts'
import { addDelegateCommand } from './commands/delegate.ts'
import { addDeploymentsCommand } from './commands/deployments.ts'
import { addDispatchCommand } from './commands/dispatch.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEnvironmentCommand } from './commands/environment.ts'
import { addEventsCommand } from './commands/events.ts'
import { addHealthCommand } from './commands/health.ts'
import { addHistoryCommand } from './commands/history.ts'
import { addInitCommand } from './commands/init.ts'
import { addJobCommand } from './commands/job.ts'
import { addLoginCommands } from './commands/login.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addMcpCommand } from './commands/mcp.ts'
import { addInsightsCommand, addMetricsCommand } from './commands/metrics.ts'
import { addPromoteCommand, addRollbackCommand } from './commands/promote.ts'
import { addPullRequestCommand } from './commands/pull-request.ts'
import { addRegistryCommand } from './commands/registry.ts'
import { addReleaseCommand } from './commands/release.ts'
import { addRepositoryCommand } from './commands/repository.ts'
import { addRunCommand } from './commands/run.ts'
import { addRunnerCommand } from './commands/runner.ts'
import { addSearchCommand } from './commands/search.ts'
import { addSecretCommand } from './commands/secret.ts'
import { addServerCommands } from './commands/server.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTokenCommand } from './commands/token.ts'
import { addTriggerCommand } from './commands/trigger.ts'
import { addValidateCommand } from './commands/validate.ts'
import { addWebhookCommand } from './commands/webhook.ts'
import { addWorkerCommand } from './commands/worker.ts'
import type { Act } from './act.ts'
import { type Connection, type Context, createContext, type GlobalOptions } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { Interrupted } from './interrupted.ts'
import type { Io } from './io.ts'
import { terminalWord } from './render/terminal-text.ts'
import { createStyles, wantsColour } from './render/styles.ts'
import { describeError } from './report-error.ts'

/** Runs the command line and says the exit code; errors are written, not thrown. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command('slipway')
  let context: Context | undefined
  let code: number = exitCodes.success
  const act: Act =
    (work) =>
    async (...given) => {
      const command = given.at(-1) as Command
      context = createContext(io, command.optsWithGlobals<GlobalOptions>())
      const args = command.processedArgs as (string | undefined)[]
      code = await work(context, command.opts() as Parameters<typeof work>[1], args)
    }
  const printed = await configure(program, io)
  addCommands(program, act)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    code = await report(io, error, program.opts<GlobalOptions>(), await settled(context))
  }
  await Promise.all(printed)
  return code
}

/** Returns what commander itself has written. */
async function configure(program: Command, io: Io): Promise<Promise<void>[]> {
  const file = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(file) as { version: string }
  const printed: Promise<void>[] = []
  program
    .description('Slipway: from a commit to a running release, on your own machines')
    .version(version)
    .option('--json', 'print JSON, one document a line')
    .option('--url <url>', 'server; default: SLIPWAY_URL, the configuration file, this machine')
    .option('--server <name>', 'server by its name in the configuration file')
    .option('--token <token>', 'token; others can see it here, so rather set SLIPWAY_TOKEN')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .exitOverride()
    .showHelpAfterError('See --help.')
    .configureOutput({
      writeOut: (text) => void printed.push(io.out.write(text)),
      writeErr: (text) => void printed.push(io.err.write(text)),
      getOutHelpWidth: () => io.out.columns(),
      getErrHelpWidth: () => io.err.columns(),
    })
  return printed
}

function addCommands(program: Command, act: Act): void {
  addInitCommand(program, act)
  addValidateCommand(program, act)
  addRunCommand(program, act)
  addLogsCommand(program, act)
  addReleaseCommand(program, act)
  addEventsCommand(program, act)
  addSearchCommand(program, act)
  addApproveCommand(program, act)
  addApprovalCommand(program, act)
  addPromoteCommand(program, act)
  addRollbackCommand(program, act)
  addDeploymentsCommand(program, act)
  addEnvironmentCommand(program, act)
  addBatchCommand(program, act)
  addStatusCommand(program, act)
  addHistoryCommand(program, act)
  addTriggerCommand(program, act)
  addMetricsCommand(program, act)
  addInsightsCommand(program, act)
  addWebhookCommand(program, act)
  addPullRequestCommand(program, act)
  addSecretCommand(program, act)
  addCredentialCommand(program, act)
  addRepositoryCommand(program, act)
  addBuildCommand(program, act)
  addBrandingCommand(program, act)
  addConfigurationCommand(program, act)
  addRegistryCommand(program, act)
  addJobCommand(program, act)
  addDelegateCommand(program, act)
  addDispatchCommand(program, act)
  addRunnerCommand(program, act)
  addWorkerCommand(program, act)
  addTokenCommand(program, act)
  addLoginCommands(program, act)
  addHealthCommand(program, act)
  addDoctorCommand(program, act)
  addMcpCommand(program, act)
  addServerCommands(program, act)
  addCompletionCommand(program, act)
}

async function settled(context: Context | undefined): Promise<Connection | undefined> {
  return context?.connect().catch(() => undefined)
}

async function report(
  io: Io,
  error: unknown,
  options: GlobalOptions,
  connection: Connection | undefined,
): Promise<number> {
  // Commander has said already what was wrong.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.success : exitCodes.usage
  if (io.signal.aborted) {
    const reason: unknown = io.signal.reason
    return reason instanceof Interrupted ? reason.exitCode : exitCodes.interrupted
  }
  const { exitCode, ...told } = describeError(error, connection)
  if (options.json === true) {
    await io.err.write(`${JSON.stringify({ error: told })}\n`)
    return exitCode
  }
  const styles = createStyles(options.color !== false && wantsColour(io.err, io.env))
  await io.err.write(`${styles.red('error')}: ${terminalWord(told.message)}\n`)
  if (told.requestId) await io.err.write(styles.dim(`request ${terminalWord(told.requestId)}\n`))
  if (told.hint) await io.err.write(`${told.hint}\n`)
  return exitCode
}
