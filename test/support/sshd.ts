import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** A real SSH server of the test's own, which lets one key in as the user who runs the test. */
export interface TestSshd {
  port: number
  /** URL of a repository on this machine, by its absolute directory. */
  url(directory: string): string
  /** Private keys that it lets in: one as it is, one with a passphrase. */
  key: string
  lockedKey: string
  passphrase: string
  /** What it shows, as a line of known_hosts. */
  knownHost: string
  /** Gives it another host key. */
  changeHostKey(): Promise<void>
}

/** Runs to the end of the test. */
export async function startSshd(): Promise<TestSshd> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-sshd-'))
  // Its own: here it is in an argument of ssh-keygen, which tests beside this one may be looking for.
  const passphrase = `correct horse ${randomBytes(8).toString('hex')}`
  const keygen = (name: string, secret: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', secret, '-f', join(root, name)])
  keygen('key', '')
  keygen('locked', passphrase)
  keygen('host', '')
  const text = (name: string) => readFile(join(root, name), 'utf8')
  await writeFile(
    join(root, 'authorized_keys'),
    (await text('key.pub')) + (await text('locked.pub')),
  )
  await chmod(root, 0o700)
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const port = await freePort()
  await writeFile(
    join(root, 'config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(root, 'host')}`,
      `AuthorizedKeysFile ${join(root, 'authorized_keys')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      '',
    ].join('\n'),
  )
  let child: ChildProcess | undefined
  const stop = async () => {
    if (child === undefined || child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill()
    await exit
  }
  const start = async () => {
    child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(root, 'config')], { stdio: 'ignore' })
    await accepting(port)
  }
  onTestFinished(async () => {
    await stop()
    await rm(root, { recursive: true, force: true })
  })
  await start()
  return {
    port,
    url: (directory) => `ssh://${userInfo().username}@127.0.0.1:${port}${directory}`,
    key: await text('key'),
    lockedKey: await text('locked'),
    passphrase,
    knownHost: `[127.0.0.1]:${port} ${(await text('host.pub')).split(' ').slice(0, 2).join(' ')}`,
    async changeHostKey() {
      await stop()
      await rm(join(root, 'host'))
      await rm(join(root, 'host.pub'))
      keygen('host', '')
      await start()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function accepting(port: number): Promise<void> {
  const until = Date.now() + 10_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await pause(20)
    } finally {
      socket.destroy()
    }
  }
}
