import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createProcessExecutor,
  type ProcessExecutorOptions,
} from '../../packages/server/src/adapters/executor/process/create-process-executor.ts'
import { type ExecutorWorld, makeExecutorWorld } from './executor-world.ts'
import { executorSuite } from './executor.suite.ts'

const log = pino({ level: 'silent' })
const parentProgram = fileURLToPath(new URL('executor-parent.ts', import.meta.url))

type Variant = Required<Pick<ProcessExecutorOptions, 'mode' | 'cgroups'>>

/** What `variant` can do here, or why it cannot be had. */
async function probe(variant: Variant): Promise<{ isolation: string } | { refusal: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'slipway-probe-'))
  const executor = createProcessExecutor({ stateDir, allowUnisolated: true, log, ...variant })
  try {
    await executor.open()
    const { isolation } = executor
    return isolation.startsWith('none;') ? { refusal: isolation } : { isolation }
  } finally {
    await executor.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

const variants: readonly Variant[] = [
  { mode: 'bubblewrap', cgroups: true },
  { mode: 'bubblewrap', cgroups: false },
  { mode: 'unshare', cgroups: true },
  { mode: 'unshare', cgroups: false },
  { mode: 'unisolated', cgroups: true },
  { mode: 'unisolated', cgroups: false },
]

for (const variant of variants) {
  const options = { allowUnisolated: variant.mode === 'unisolated', ...variant }
  const name = `process, ${variant.mode}${variant.cgroups ? '' : ', without cgroups'}`
  const make = (stateDir: string) => createProcessExecutor({ stateDir, log, ...options })
  const found = await probe(variant)
  if ('refusal' in found) {
    // A machine of a developer may lack it; the one that decides about a change must not.
    it.runIf(process.env.CI === 'true')(`${name} is there`, () => {
      expect.fail(found.refusal)
    })
    continue
  }
  const grouped = found.isolation.includes('cgroup v')
  executorSuite(name, make, {
    isolated: variant.mode !== 'unisolated',
    memory: grouped && /\bmemory\b.*limited by cgroup/.test(found.isolation),
    pids: grouped && /\bpids\b.*limited by cgroup/.test(found.isolation),
    image: null,
    parent: [
      '--conditions=@slipway/source',
      '--import',
      'tsx',
      parentProgram,
      JSON.stringify(options),
    ],
  })

  describe(`executor: ${name}, the tools of a step`, () => {
    let world: ExecutorWorld
    beforeEach(async () => {
      world = await makeExecutorWorld(make, null)
    })
    afterEach(async () => {
      await world.close()
    })

    it('node, npm and git work', async () => {
      const script = `set -e
        node -p '1 + 1'
        npm --version
        git init -q repository && cd repository
        git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m first
        git log --format=%s`
      const env = { npm_config_update_notifier: 'false' }
      const { output, exitCode } = await world.sh(script, { env })
      expect(output).toMatch(/^2\n\d+\.\d+\.\d+\nfirst\n$/)
      expect(exitCode).toBe(0)
    })

    it('npm ci installs from a lockfile', async () => {
      const dependency = join(world.workspace, 'dependency')
      await mkdir(dependency)
      await writeFile(
        join(dependency, 'package.json'),
        JSON.stringify({ name: 'dependency', version: '1.0.0', main: 'index.js' }),
      )
      await writeFile(join(dependency, 'index.js'), 'module.exports = "installed"')
      const dependencies = { dependency: 'file:dependency' }
      await writeFile(
        join(world.workspace, 'package.json'),
        JSON.stringify({ name: 'root', version: '1.0.0', dependencies }),
      )
      const script = `npm install --package-lock-only --no-audit --no-fund --offline >/dev/null &&
        npm ci --no-audit --no-fund --offline >/dev/null && node -p 'require("dependency")'`
      const env = { npm_config_update_notifier: 'false' }
      const { output, exitCode } = await world.sh(script, { env })
      expect({ output, exitCode }).toEqual({ output: 'installed\n', exitCode: 0 })
    })

    if (variant.mode !== 'unisolated') {
      it('hides what it is told to hide, though it lies where commands may look', async () => {
        const script = 'ls -A /usr/share; echo; cat /etc/os-release'
        expect((await world.sh(script)).output).toMatch(/\w+\n\n.*NAME=/s)
        const stateDir = `${world.stateDir}-2`
        const executor = createProcessExecutor({
          stateDir,
          log,
          ...options,
          hide: ['/usr/share', '/usr/lib/os-release', '/no/such/file'],
        })
        await executor.open()
        let output = ''
        const sink = { write: (chunk: Buffer) => void (output += chunk.toString()) }
        await (
          await executor.start(world.spec(['sh', '-c', script]), sink)
        ).done
        await executor.close()
        expect(output).toBe('\n')
      })
    }

    it('has no images', async () => {
      await expect(world.start(['true'], { image: 'alpine' })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })

    it('does not show its own directory, or one above it', async () => {
      const above = join(world.stateDir, '..')
      for (const workspace of [world.stateDir, above, '/']) {
        await expect(world.start(['true'], { workspace })).rejects.toMatchObject({
          code: 'invalid_request',
        })
      }
    })

    it('leaves nothing on disk', async () => {
      const before = await readdir(world.stateDir, { recursive: true })
      await Promise.all([1, 2, 3].map(() => world.sh('echo x >~/x; echo y')))
      await world.executor.close()
      const after = new Set(await readdir(world.stateDir, { recursive: true }))
      const left = [...after].filter((path) => !before.includes(path))
      expect(left.filter((path) => path !== 'scratch')).toEqual([])
    })

    it('does not pass on what its own parent left open', async () => {
      const path = join(world.workspace, 'left-open')
      await writeFile(path, '')
      const descriptor = openSync(path, 'r')
      await world.executor.close()
      const stdio: ('pipe' | 'inherit' | 'ignore' | number)[] = ['pipe', 'pipe', 'inherit']
      while (stdio.length < 40) stdio.push('ignore')
      stdio.push(descriptor)
      try {
        const parent = spawn(
          process.execPath,
          [
            '--conditions=@slipway/source',
            '--import',
            'tsx',
            parentProgram,
            JSON.stringify(options),
            world.stateDir,
          ],
          { stdio },
        )
        parent.stdin!.end(JSON.stringify(world.spec(['ls', '-l', '/proc/self/fd'])))
        const [output] = await Promise.all([text(parent.stdout!), once(parent, 'exit')])
        expect(output).toContain('/dev/null')
        expect(output).not.toContain('left-open')
      } finally {
        closeSync(descriptor)
      }
    })
  })
}

describe('executor: process, without isolation', () => {
  let stateDir: string
  beforeEach(async () => {
    stateDir = await realpath(await mkdtemp(join(tmpdir(), 'slipway-executor-')))
  })
  afterEach(async () => {
    await rm(stateDir, { recursive: true, force: true })
  })

  it('opens, and says what to do when something is started', async () => {
    const executor = createProcessExecutor({
      stateDir,
      allowUnisolated: false,
      log,
      mode: 'unisolated',
    })
    await executor.open()
    try {
      const workspace = join(stateDir, 'w')
      await mkdir(workspace)
      const start = executor.start(
        {
          id: 'a',
          argv: ['touch', join(workspace, 'ran')],
          workspace,
          cwd: '.',
          cache: null,
          readOnly: [],
          env: {},
          network: 'none',
          image: null,
          limits: { timeoutMs: 1000, outputBytes: 1000, memoryBytes: null, pids: null, cpus: null },
        },
        { write: () => {} },
      )
      await expect(start).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/bubblewrap.*SLIPWAY_ALLOW_UNISOLATED=true/),
      })
      await expect(access(join(workspace, 'ran'))).rejects.toThrow('ENOENT')
    } finally {
      await executor.close()
    }
  })
})
