import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ExecutorWorld } from './executor-world.ts'
import type { ExecutorCapabilities } from './executor.suite.ts'

/**
 * What a command cannot do. Every probe only asks, so that it does no harm on the day the answer is wrong.
 */
export function executorIsolationSuite(
  world: () => ExecutorWorld,
  capabilities: ExecutorCapabilities,
): void {
  const ask = async (script: string): Promise<string> => (await world().sh(script)).output.trim()

  describe('isolation', () => {
    it('gives no capability, and no way to one', async () => {
      const status = await ask('cat /proc/self/status')
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        expect(status).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'))
      }
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    })

    it('shows nothing of the host but the named directories', async () => {
      const secret = `${world().workspace}-sibling`
      await mkdir(secret)
      await writeFile(`${secret}/file`, 'secret of the host')
      const paths = [secret, world().stateDir, world().cache, world().readOnly, '/root', '/home/*']
      expect(await ask(`ls -d ${paths.join(' ')} 2>/dev/null; cat ${secret}/* 2>/dev/null`)).toBe(
        '',
      )
      expect(await ask('ls /run /var/run 2>/dev/null | grep -c docker')).toBe('0')
      const parent = world().workspace.slice(0, world().workspace.lastIndexOf('/'))
      expect(await ask(`ls '${parent}'`)).toBe('workspace')
    })

    it('hides what not every user of the host may read', async () => {
      const script = `for f in /etc/shadow /etc/gshadow /etc/ssl/private /etc/sudoers; do
        [ -d "$f" ] && ls "$f" || cat "$f" 2>/dev/null; done`
      expect(await ask(script)).toBe('')
    })

    it('shows no process of the host', async () => {
      const pids = (await ask('ls /proc')).split('\n').filter((name) => /^\d+$/.test(name))
      expect(pids.length).toBeLessThan(10)
      expect(await ask('cat /proc/[0-9]*/cmdline | tr "\\0" "\\n"')).not.toContain('vitest')
    })

    it('shows no secret of the command in anybody’s arguments', async () => {
      const started = await world().start(['sh', '-c', 'echo up; sleep 30'], {
        env: { PASSWORD: 'correct-horse' },
      })
      await started.said('up')
      const all = await Promise.all(
        (await readdir('/proc'))
          .filter((name) => /^\d+$/.test(name))
          .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
      )
      expect(all.filter((line) => line.includes('correct-horse'))).toEqual([])
      started.stop(0)
      await started.done
    })

    it('lets nothing be written outside', async () => {
      const places = ['/', '/usr', '/usr/bin', '/etc', '/bin', '/etc/passwd', '/proc/sys/kernel']
      const script = places.map((path) => `[ -w ${path} ] && echo ${path}`).join('\n')
      expect(await ask(`${script}\ntrue`)).toBe('')
      expect(await ask('[ -w /proc/sys/kernel/core_pattern ] || echo no')).toBe('no')
      expect(await ask('[ -w /proc/sysrq-trigger ] || echo no')).toBe('no')
    })

    it('lets read-only directories be read only', async () => {
      const script = `echo x >'${world().readOnly}/x' || echo refused`
      const { output } = await world().sh(script, { readOnly: [world().readOnly] })
      expect(output).toMatch(/refused\n$/)
    })

    it('shows a folder in memory that is its owner’s alone, and none beside it', async () => {
      const folders = await Promise.all([1, 2].map(() => mkdtemp('/dev/shm/slipway-executor-')))
      const [folder = '', other = ''] = folders
      onTestFinished(async () => {
        for (const path of folders) await rm(path, { recursive: true })
      })
      for (const path of folders) await writeFile(`${path}/secret`, 'in a file', { mode: 0o600 })
      const script = `cat '${folder}/secret'; rm -f '${folder}/secret'; ls '${other}' || echo hidden`
      const { output } = await world().sh(script, { readOnly: [folder] })
      expect(output).toMatch(/^in a file/)
      expect(output).toMatch(/hidden\n$/)
      expect(await readFile(`${folder}/secret`, 'utf8')).toBe('in a file')
    })

    it('keeps a read-only directory inside the workspace read-only', async () => {
      const inner = `${world().workspace}/inner`
      await mkdir(inner)
      const script = `echo x >'${inner}/x' || echo refused; echo y >'${world().workspace}/y'`
      const { output } = await world().sh(script, { readOnly: [inner] })
      expect(output).toMatch(/refused\n$/)
    })

    it('gives the devices that harm nobody, and no others', async () => {
      expect(await ask('echo gone >/dev/null; head -c 4 /dev/zero | wc -c')).toBe('4')
      if (capabilities.showsSys === true) {
        expect(await ask('mkdir /sys/fs/x 2>&1 || ls /sys/firmware')).toMatch(/[Rr]ead-only[^\n]*$/)
      } else expect(await ask('ls -A /sys 2>/dev/null')).toBe('')
      const devices = (await ask('find /dev -type b -o -type c')).split('\n')
      const harmless =
        /^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts\/ptmx|pts\/\d+)$/
      expect(devices.filter((path) => !harmless.test(path))).toEqual([])
    })

    it('leaves no open file of the server with the command', async () => {
      const started = await world().start(['ls', '-l', '/proc/self/fd'])
      await started.done
      const links = started
        .output()
        .split('\n')
        .flatMap((line) => line.split(' -> ')[1] ?? [])
      // The one pipe for its output, and the directory that ls reads.
      const others = new Set(links.filter((path) => path !== '/dev/null'))
      expect([...others].filter((path) => !/^\/proc\/\d+\/fd$/.test(path))).toHaveLength(1)
    })

    it('reaches the host by network only if it may', async () => {
      const server = createServer((socket) => socket.end('hello\n')).listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const { port } = server.address() as AddressInfo
        const devices = `sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev`
        expect((await world().sh(devices, { network: 'none' })).output.trim()).toBe('lo')
        const connect = `bash -c 'cat </dev/tcp/127.0.0.1/${port}' 2>/dev/null || echo cut off`
        expect((await world().sh(connect, { network: 'none' })).output).toBe('cut off\n')
        if (capabilities.image === null) {
          expect((await world().sh(connect, { network: 'host' })).output).toBe('hello\n')
        }
      } finally {
        server.close()
      }
    })

    it('leaves no trace in the next execution', async () => {
      await world().sh('echo x >/tmp/trace; echo y >~/trace')
      expect(await ask('ls -A /tmp/trace ~/trace 2>/dev/null')).toBe('')
    })
  })
}
