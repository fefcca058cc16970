import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import type { Io } from '../io.ts'
import { openLoginStore } from '../settings/login-store.ts'
import { configPath, readConfigFile } from '../settings/read-config-file.ts'
import type { Finding } from './finding.ts'

/** Milliseconds that a program or an engine of containers has to answer. */
const answerMs = 10_000

/** What commands need of this machine, and what a server on it would need. */
export async function checkMachine(io: Io): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    await checkProgram(io, 'git', {
      missing: 'fail',
      advice: 'Install git: without it no checkout is read and nothing fetched.',
    }),
    await checkProgram(io, 'bwrap', {
      missing: 'warn',
      advice: 'Install bubblewrap for a server here: without it steps cannot be isolated.',
    }),
    await checkContainers(io),
    ...(await checkFiles(io)),
  ]
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isGood = major > 20 || (major === 20 && minor >= 19)
  if (isGood) return { check: 'node', result: 'pass', message: version }
  const advice = 'Install Node 20.19 or newer.'
  return { check: 'node', result: 'fail', message: `${version} is too old`, advice }
}

async function checkProgram(
  { env, cwd, signal }: Io,
  check: string,
  { missing, advice }: { missing: 'warn' | 'fail'; advice: string },
): Promise<Finding> {
  const version = await new Promise<string | null>((resolve) => {
    execFile(check, ['--version'], { env, cwd, signal, timeout: answerMs }, (error, stdout) =>
      resolve(error ? null : (stdout.trim().split('\n')[0] ?? '')),
    )
  })
  if (version !== null) return { check, result: 'pass', message: version }
  return { check, result: missing, message: 'It cannot be run', advice }
}

/** Only a server on this machine, or `slipway worker`, has a use for one. */
async function checkContainers({ env, signal }: Io): Promise<Finding> {
  const check = 'containers'
  const host = env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  const advice =
    'A server or worker here runs no steps in images and builds none; elsewhere it does not matter.'
  if (!host.startsWith('unix://')) {
    return { check, result: 'pass', message: `DOCKER_HOST is ${host}, which is not tried` }
  }
  const socketPath = host.slice('unix://'.length)
  const version = await new Promise<string | null>((resolve) => {
    const asked = request({ socketPath, path: '/_ping', signal, timeout: answerMs }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200 ? String(answer.headers['api-version'] ?? '') : null)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(null))
    asked.end()
  })
  if (version !== null) {
    return { check, result: 'pass', message: `Docker answers at ${socketPath}, API ${version}` }
  }
  return { check, result: 'warn', message: `No Docker answers at ${socketPath}`, advice }
}

/** The files with servers and logins: there, readable by their owner alone, and right. */
async function checkFiles({ env }: Io): Promise<Finding[]> {
  const path = configPath(env)
  if (path === null) {
    const advice = 'Set HOME, XDG_CONFIG_HOME or SLIPWAY_CLI_CONFIG.'
    return [{ check: 'files', result: 'warn', message: 'No place to keep a login in', advice }]
  }
  return [
    await checkFile('configuration', path, async () => {
      const { servers, current } = await readConfigFile(path)
      const used = current === undefined ? '' : `, ${current} is used`
      return `${servers.size} ${servers.size === 1 ? 'server' : 'servers'}${used}`
    }),
    await checkFile('logins', openLoginStore(env)?.path ?? '', async () => {
      await openLoginStore(env)?.find('http://localhost')
      return 'for their owner alone'
    }),
  ]
}

async function checkFile(
  check: string,
  path: string,
  read: () => Promise<string>,
): Promise<Finding> {
  const found = await stat(path).catch(() => null)
  if (found === null) return { check, result: 'pass', message: `None: ${path}` }
  try {
    const message = `${path}: ${await read()}`
    if ((found.mode & 0o077) === 0) return { check, result: 'pass', message }
    const advice = `chmod 600 ${path}`
    return { check, result: 'warn', message: `${path} can be read by others`, advice }
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string }
    return { check, result: 'fail', message, ...(hint === undefined ? {} : { advice: hint }) }
  }
}
