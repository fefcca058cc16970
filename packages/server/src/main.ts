#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type ReadCommand, UsageError } from './commands/command.ts'
import { type Config, ConfigError, readConfig } from './config/read-config.ts'
import { StartupError } from './errors.ts'
import { migrateOnly } from './migrate-only.ts'
import { openLog } from './open-log.ts'
import { rotateKeysOnly } from './rotate-keys-only.ts'

const usage = `Usage: slipway-server <command>

  serve        Start the server (the default). Settings come from the environment: docs/settings.md
  migrate      Bring the database up to this version, and end
  rotate-keys  Encrypt what is under a previous master key anew, and end
  backup [--with-keys] [--without-files] <file|directory>
               Write all that the server keeps into one file, while it runs or not
  restore [--force] [--ignore-key] <file>
               Make an empty data directory and database what they were then
  storage lifecycle --print|--apply
               Show the bucket's lifecycle rules, or give it them
  worker [--types <types>] [--capacity <n>] [--unsupervised]
               Do jobs of the server at SLIPWAY_SERVER_URL from this machine: docs/workers.md
  --version    Show the version
  --help       Show this
`

/** Commands with arguments of their own; each is loaded when it is asked for. */
const commands: Readonly<Record<string, () => Promise<ReadCommand>>> = {
  backup: async () => (await import('./commands/backup/backup.ts')).readBackup,
  restore: async () => (await import('./commands/restore/restore.ts')).readRestore,
  storage: async () => (await import('./commands/storage.ts')).readStorage,
}

/** Milliseconds that a stop may take before the process ends anyway. */
const stopMs = 60_000

async function main(command = 'serve', ...rest: readonly string[]): Promise<void> {
  const { version } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  if (rest.includes('--help')) {
    process.stdout.write(usage)
    return
  }
  const load = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (load !== undefined) return runCommand(version, await load(), rest)
  if (command === 'worker') return work(version, rest)
  if (rest.length > 0) {
    process.stderr.write(`${command} takes no arguments, and got ${rest.join(' ')}.\n\n${usage}`)
    process.exit(2)
  }
  switch (command) {
    case 'serve':
      return serve(version)
    case 'migrate':
      return withConfig((config, log) => migrateOnly(config, log))
    case 'rotate-keys':
      return withConfig((config, log) => rotateKeysOnly(config, log))
    case '--version':
    case '-v':
      process.stdout.write(`${version}\n`)
      return
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(usage)
      return
    default:
      process.stderr.write(`There is no command ${command}.\n\n${usage}`)
      process.exit(2)
  }
}

async function runCommand(version: string, read: ReadCommand, args: readonly string[]) {
  let run: ReturnType<ReadCommand>
  try {
    run = read(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
  await withConfig(async (config, log) => {
    const { signal, release } = stopOnSignals()
    try {
      const write = (text: string) => void process.stdout.write(text)
      await run({ config, log, version, write, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      release()
    }
  })
}

async function work(version: string, args: readonly string[]): Promise<void> {
  const { runWorkerCommand } = await import('./commands/worker/run-worker-command.ts')
  const { execPath, execArgv, argv, env } = process
  const self = [execPath, ...execArgv, argv[1] ?? '', 'worker'] as const
  const writeError = (text: string) => void process.stderr.write(text)
  try {
    process.exit(
      await runWorkerCommand({ args, env, version, host: process, self: [...self], writeError }),
    )
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

/** Aborts when the program is told to end, until `release`. */
function stopOnSignals(): { signal: AbortSignal; release: () => void } {
  const stopping = new AbortController()
  const stop = () => stopping.abort(new StartupError('Stopped: nothing has been changed'))
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  return {
    signal: stopping.signal,
    release() {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
    },
  }
}

async function serve(version: string): Promise<void> {
  // It is nearly all of the program, and no other command needs it.
  const { startServer } = await import('./compose/start-server.ts')
  await withConfig(async (config, log) => {
    let stopping = false
    // What is half open can only be closed once it is whole.
    const starting = startServer(config, log, version)
    const close = async () => {
      await (await starting).close()
      log.info('stopped')
      process.exit(0)
    }
    const stop = (signal: NodeJS.Signals) => {
      // A second Ctrl-C means now.
      if (stopping) process.exit(130)
      stopping = true
      log.info({ signal }, 'stopping')
      setTimeout(() => process.exit(1), stopMs).unref()
      // That it could not be started is said below.
      close().catch(() => undefined)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    const server = await starting
    if (stopping) return
    const { path, token, created } = server.adminToken
    if (created) {
      process.stderr.write(
        `\nThe administrator's token, shown this once (it is kept in ${path}):\n\n  ${token}\n\nThe dashboard, with it filled in: ${server.url}/sign-in#token=${token}\n\n`,
      )
    } else if (path !== null) {
      // A first start that failed later on may never have shown it.
      log.info({ path }, 'the administrator’s token is in this file')
    }
    log.info({ url: server.url, isolation: server.isolation, version }, 'listening')
  })
}

async function withConfig(body: (config: Config, log: Logger) => Promise<void>): Promise<void> {
  try {
    const config = await readConfig(process.env)
    const log = openLog({ level: config.logLevel })
    await body(config, log)
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof StartupError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

await main(...process.argv.slice(2))
