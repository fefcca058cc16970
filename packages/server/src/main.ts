#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { startServer } from './compose/start-server.ts'
import { type Config, ConfigError, readConfig } from './config/read-config.ts'
import { StartupError } from './errors.ts'
import { migrateOnly } from './migrate-only.ts'
import { openLog } from './open-log.ts'
import { rotateKeysOnly } from './rotate-keys-only.ts'

const usage = `Usage: slipway-server <command>

  serve        Start the server (the default). Settings come from the environment: docs/settings.md
  migrate      Bring the database up to this version, and end
  rotate-keys  Encrypt what is under a previous master key anew, and end
  --version    Show the version
  --help       Show this
`

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

async function serve(version: string): Promise<void> {
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
        `\nThe administrator's token, shown this once (it is kept in ${path}):\n\n  ${token}\n\n`,
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
