import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { addApprovalCommand, addApproveCommand } from './commands/approval.ts'
import { addAuditCommand } from './commands/audit.ts'
import { addBatchCommand } from './commands/batch.ts'
import { addBrandingCommand } from './commands/branding.ts'
import { addBuildCommand } from './commands/build.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addConfigurationCommand } from './commands/configuration.ts'
import { addCredentialCommand } from './commands/credential.ts'
import { addDelegateCommand } from './commands/delegate.ts'
import { addDeploymentCommand } from './commands/deployment.ts'
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
import { addPipelineCommand } from './commands/pipeline.ts'
import { addPromoteCommand, addRollbackCommand } from './commands/promote.ts'
import { addPullRequestCommand } from './commands/pull-request.ts'
import { addRegistryCommand } from './commands/registry.ts'
import { addReleaseCommand } from './commands/release.ts'
import { addRepositoryCommand } from './commands/repository.ts'
import { addRunCommand } from './commands/run.ts'
import { addRunnerCommand } from './commands/runner.ts'
import { addSearchCommand } from './commands/search.ts'
import { addRetentionCommand } from './commands/retention.ts'
import { addSecretCommand } from './commands/secret.ts'
import { addServeCommands } from './commands/serve.ts'
import { addServerCommand } from './commands/server.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTokenCommand } from './commands/token.ts'
import { addTriggerCommand } from './commands/trigger.ts'
import { addValidateCommand } from './commands/validate.ts'
import { addWebhookCommand } from './commands/webhook.ts'
import { addWorkerCommand } from './commands/worker.ts'
import type { Act } from './act.ts'
import { pathOf } from './path-of.ts'
import { notesOf } from './reference/commands.ts'

export interface ProgramOutput {
  writeOut: (text: string) => void
  writeErr: (text: string) => void
  outColumns: () => number
  errColumns: () => number
}

/** The whole command line: every command with its options, and what is done for it. */
export async function createProgram(act: Act, output: ProgramOutput): Promise<Command> {
  const file = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(file) as { version: string }
  const program = new Command('slipway')
    .description('Slipway: from a commit to a running release, on your own machines')
    .version(version)
    .option('--json', 'print JSON, one document a line')
    .option('--url <url>', 'server; default: SLIPWAY_URL, the configuration file, this machine')
    .option('--server <name>', 'server by its name in the configuration file; see slipway server')
    .option('--token <token>', 'token; others can see it here, so rather set SLIPWAY_TOKEN')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: output.writeOut,
      writeErr: output.writeErr,
      getOutHelpWidth: output.outColumns,
      getErrHelpWidth: output.errColumns,
    })
  addCommands(program, act)
  addHelp(program)
  return program
}

/** What every command says in the same way: its examples, and where to read on after a mistake. */
function addHelp(command: Command): void {
  const path = pathOf(command)
  command.showHelpAfterError(`See: ${`slipway ${path}`.trim()} --help`)
  const { examples = [], needs = null } = notesOf(path) ?? {}
  if (examples.length > 0) {
    const right = needs === null || needs === 'token' ? '' : `\nNeeds the permission ${needs}.\n`
    command.addHelpText(
      'after',
      `${right}\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`,
    )
  }
  for (const below of command.commands) addHelp(below)
}

function addCommands(program: Command, act: Act): void {
  program.commandsGroup('Runs:')
  addInitCommand(program, act)
  addValidateCommand(program, act)
  addRunCommand(program, act)
  addLogsCommand(program, act)
  addBatchCommand(program, act)
  addPullRequestCommand(program, act)
  addSecretCommand(program, act)
  program.commandsGroup('Releases and deployments:')
  addReleaseCommand(program, act)
  addApprovalCommand(program, act)
  addEnvironmentCommand(program, act)
  addDeploymentCommand(program, act)
  addApproveCommand(program, act)
  addPromoteCommand(program, act)
  addRollbackCommand(program, act)
  program.commandsGroup('GitHub Actions:')
  addPipelineCommand(program, act)
  addStatusCommand(program, act)
  addHistoryCommand(program, act)
  addTriggerCommand(program, act)
  addMetricsCommand(program, act)
  addInsightsCommand(program, act)
  program.commandsGroup('Builds:')
  addBuildCommand(program, act)
  addBrandingCommand(program, act)
  addConfigurationCommand(program, act)
  addRegistryCommand(program, act)
  addRepositoryCommand(program, act)
  addCredentialCommand(program, act)
  program.commandsGroup('Jobs and workers:')
  addJobCommand(program, act)
  addDelegateCommand(program, act)
  addRunnerCommand(program, act)
  addWorkerCommand(program, act)
  addDispatchCommand(program, act)
  program.commandsGroup('What happens:')
  addEventsCommand(program, act)
  addSearchCommand(program, act)
  addAuditCommand(program, act)
  addWebhookCommand(program, act)
  addHealthCommand(program, act)
  program.commandsGroup('Access:')
  addTokenCommand(program, act)
  addRetentionCommand(program, act)
  addLoginCommands(program, act)
  addServerCommand(program, act)
  program.commandsGroup('This machine:')
  addDoctorCommand(program, act)
  addServeCommands(program, act)
  addMcpCommand(program, act)
  addCompletionCommand(program, act)
}
