import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Who may push to and pull from a test's registry. */
export const registryUser = { username: 'builder', password: 'pass:word with ünïcode' }

export interface DockerRegistry {
  /** `127.0.0.1:<port>`. */
  readonly host: string
  close(): Promise<void>
}

export interface DockerRegistryOptions {
  /** A token server instead of passwords. */
  token?: { realm: string; service: string; issuer: string; certificateFile: string }
}

/** Debian's `docker-registry` with passwords, on a port and in a folder of its own. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-registry-'))
  const storage = join(folder, 'storage')
  const users = join(folder, 'htpasswd')
  const hashed = run('htpasswd', ['-Bin', '-C', '4', registryUser.username])
  hashed.child.stdin?.end(registryUser.password)
  await writeFile(users, (await hashed).stdout)
  const { token } = options
  const auth =
    token === undefined
      ? { htpasswd: { realm: 'test', path: users } }
      : {
          token: {
            realm: token.realm,
            service: token.service,
            issuer: token.issuer,
            rootcertbundle: token.certificateFile,
          },
        }
  const configuration = join(folder, 'config.yml')
  await writeFile(
    configuration,
    // JSON is YAML.
    JSON.stringify({
      version: 0.1,
      log: { level: 'info', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage } },
      http: { addr: '127.0.0.1:0', secret: 'of no importance' },
      auth,
    }),
  )
  const child = spawn('docker-registry', ['serve', configuration], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  const exited = once(child, 'exit')
  const close = async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const host = await Promise.race([listening(child), exited.then(() => Promise.reject(ended()))])
    return {
      host,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const ended = () => new Error('docker-registry ended without listening')

/** Its address, which it logs. */
async function listening(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('no output')
  const lines = createInterface({ input: child.stderr })
  for await (const line of lines) {
    const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
    if (found === undefined) continue
    // What it says later must go somewhere, or it would stop.
    child.stderr.resume()
    return found
  }
  throw ended()
}
