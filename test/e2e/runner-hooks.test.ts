// The hooks of GitHub's runner as it runs them, against a real server and engine.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { nothing, shellImage } from '../support/delegations.ts'
import {
  type HookPlace,
  type HookResponse,
  startHookPlace,
  systemMounts,
} from '../support/runner-hooks.ts'

vi.setConfig({ testTimeout: 120_000 })

let place: HookPlace
beforeAll(async () => {
  place = await startHookPlace()
})
afterAll(() => place?.close())

/** A job that is prepared, and cleaned up whatever becomes of it. */
async function withJob(
  use: (state: HookResponse['state'], response: HookResponse) => Promise<void>,
  container: Record<string, unknown> = {},
  services: unknown[] = [],
): Promise<void> {
  const { code, stderr, response } = await place.prepare(container, services)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  if (response === null) throw new Error('there is no response')
  try {
    await use(response.state, response)
  } finally {
    expect(await place.run('cleanup_job', { state: response.state })).toMatchObject({ code: 0 })
  }
}
const step = (state: unknown, script: string, more: Record<string, unknown> = {}) =>
  place.run('run_script_step', {
    state,
    args: {
      entryPoint: 'sh',
      entryPointArgs: ['-e', '-c', script],
      environmentVariables: {},
      prependPath: [],
      workingDirectory: '/__w/repo/repo',
      ...more,
    },
  })
afterEach(async () => {
  await expect.poll(() => place.left(), { timeout: 20_000 }).toEqual(nothing)
})

describe('a job', () => {
  it('is delegated as what it is, runs, and ends with its clean-up', async () => {
    let id = ''
    await withJob(async (state, response) => {
      id = state.delegationId
      const job = await place.get(id)
      expect(job).toMatchObject({
        jobId: 'build',
        runId: '4711',
        runAttempt: 2,
        repository: 'owner/repo',
        workflow: 'CI',
        runnerName: 'proxy-build',
        sha: '0123456789abcdef0123456789abcdef01234567',
        ref: 'refs/heads/main',
        eventName: 'push',
        actor: 'somebody',
        status: 'running',
        metadata: { source: 'proxy', runnerClass: 'hooks' },
      })
      expect(response).toMatchObject({
        context: { container: { id: job.containerId }, services: [] },
        isAlpine: false,
      })
      expect(response.context.container.network).not.toBe('')
      const made = await inspect(job.containerId ?? '')
      expect(made.HostConfig).toMatchObject({ NanoCpus: 1e9, Privileged: false, CapDrop: ['ALL'] })
      expect(JSON.stringify(made)).not.toContain('docker.sock')
    })
    expect(await place.get(id)).toMatchObject({ status: 'completed', metadata: { reason: null } })
  })

  it('may be run several times under one name: each has a container of its own', async () => {
    const ids = new Set<string>()
    for (let leg = 0; leg < 2; leg++) {
      await withJob(async (state) => void ids.add(state.delegationId))
    }
    expect(ids.size).toBe(2)
  })

  it('is known to be of Alpine, where it is', async () => {
    const { busyboxFiles } = await import('../support/dockerd.ts')
    const release = { 'etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.0\n' }
    await place.dockerd.importImage('alpine:3', await busyboxFiles(release))
    await withJob(
      async (_, { isAlpine }) => {
        expect(isAlpine).toBe(true)
      },
      { image: 'alpine:3' },
    )
  })
})

describe('run_script_step', () => {
  it('streams what it writes, and ends with its exit code', async () => {
    await withJob(async (state) => {
      const wide = 'i=0; while [ $i -lt 20000 ]; do echo "$i: a line of a step"; i=$((i+1)); done'
      const { code, stdout, stderr } = await step(
        state,
        `${wide}; echo err >&2; printf 'no newline'`,
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const lines = stdout.split('\n')
      expect(lines).toHaveLength(20_002)
      expect(lines.slice(-3)).toEqual(['19999: a line of a step', 'err', 'no newline'])
      expect(await step(state, 'exit 37')).toMatchObject({ code: 37, stdout: '' })
      expect(await step(state, 'kill -9 $$')).toMatchObject({ code: 137 })
    })
  })

  it('shows what is written when it is written', async () => {
    await withJob(async (state) => {
      const gate = join(place.folder, '_work/_temp/gate')
      const args = {
        entryPoint: 'sh',
        entryPointArgs: ['-c', 'echo first; while [ ! -e /__w/_temp/gate ]; do sleep 0.1; done'],
        workingDirectory: '/__w',
      }
      const running = await place.start('run_script_step', { state, args })
      await expect.poll(() => running.stdout()).toBe('first\n')
      await writeFile(gate, '')
      expect(await running.end).toMatchObject({ code: 0, stdout: 'first\n' })
    })
  })

  it('has the environment of its job and its own, which wins', async () => {
    await withJob(
      async (state) => {
        const environmentVariables = { B: 'own', MULTI: '1\n2' }
        const { stdout } = await step(state, 'echo "$A,$B,$CI,$GITHUB_ACTIONS,$PWD,$MULTI"', {
          environmentVariables,
        })
        expect(stdout).toBe('job,own,true,true,/__w/repo/repo,1\n2\n')
        // What shells drop, such as most inputs of actions.
        const odd = { 'INPUT_WHO-TO-GREET': `it's`, 'a.b': '2' }
        const given = { entryPoint: 'env', entryPointArgs: [], environmentVariables: odd }
        const prependPath = ['/one', '/two']
        const lines = (await step(state, '', { ...given, prependPath })).stdout.split('\n')
        expect(lines).toEqual(expect.arrayContaining([`INPUT_WHO-TO-GREET=it's`, 'a.b=2', 'A=job']))
        expect(lines.find((line) => line.startsWith('PATH='))).toMatch(/^PATH=\/one:\/two:\/.*bin/)
      },
      { environmentVariables: { A: 'job', B: 'job' } },
    )
  })

  it('finds programs in the paths that come before its own', async () => {
    await writeFile(join(place.folder, '_work/_tool/tool'), '#!/bin/sh\necho the tool\n', {
      mode: 0o755,
    })
    await withJob(async (state) => {
      const script = 'tool; echo "$PATH"'
      const { stdout } = await step(state, script, { prependPath: ['/__w/_tool', '/two'] })
      expect(stdout).toMatch(/^the tool\n\/__w\/_tool:\/two:\/.*bin/)
    })
  })

  it('takes arguments as they were meant, though the runner splits them at spaces', async () => {
    await withJob(async (state) => {
      const entryPointArgs = ['-c', `'echo`, '"$0:$1"', `'`, '"a', 'b"', 'c\\', 'd']
      expect((await step(state, '', { entryPointArgs })).stdout).toBe('a b:c d\n')
    })
  })

  it('reads and writes the files of the runner: scripts, commands, the home of the job', async () => {
    const temp = join(place.folder, '_work/_temp')
    await writeFile(join(temp, 'step.sh'), 'echo "name=value" >> "$GITHUB_OUTPUT"\ncat /__e/node\n')
    await writeFile(join(temp, '_runner_file_commands/set_output_1'), '')
    await withJob(async (state) => {
      const ran = await step(state, '', {
        entryPointArgs: ['-e', '/__w/_temp/step.sh'],
        environmentVariables: { GITHUB_OUTPUT: '/__w/_temp/_runner_file_commands/set_output_1' },
      })
      expect(ran).toMatchObject({ code: 0, stdout: 'the node of the runner' })
      expect((await step(state, 'echo hi > /github/home/file')).code).toBe(0)
      expect((await step(state, 'echo no > /__e/node')).code).not.toBe(0)
    })
    expect(await readFile(join(temp, '_runner_file_commands/set_output_1'), 'utf8')).toBe(
      'name=value\n',
    )
    expect(await readFile(join(temp, '_github_home/file'), 'utf8')).toBe('hi\n')
  })

  it('makes the job one that failed, where it did', async () => {
    let id = ''
    await withJob(async (state) => {
      id = state.delegationId
      await step(state, 'exit 1')
      await step(state, 'exit 0')
    })
    expect(await place.get(id)).toMatchObject({
      status: 'failed',
      metadata: { proxyStatus: 'failed' },
    })
  })
})

describe('services', () => {
  const service = (more: Record<string, unknown>) => ({
    image: shellImage,
    createOptions: '',
    environmentVariables: {},
    userMountVolumes: [],
    systemMountVolumes: [],
    portMappings: [],
    entryPoint: 'sh',
    ...more,
  })
  /** Busybox resolves no names by itself in an image without a C library. */
  const fetchFrom = (name: string) =>
    `wget -qO- "http://$(nslookup ${name} 127.0.0.11 | sed -n 's/^Address.*: *\\([0-9.]*\\)$/\\1/p' | tail -1):8080/index.html"`

  it('are found by their names, healthy, with their environment', async () => {
    const serve =
      'mkdir /www; sleep 1; echo "$GREETING" > /www/index.html; httpd -f -p 8080 -h /www'
    await withJob(
      async (state, { context }) => {
        const [redis] = context.services
        expect(redis).toMatchObject({
          network: context.container.network,
          ports: { 6379: '6379', 8080: '8080' },
        })
        for (const name of ['redis', 'shell', 'cache']) {
          expect(await step(state, fetchFrom(name))).toMatchObject({ code: 0, stdout: 'hello\n' })
        }
        expect(JSON.stringify(await inspect(redis?.id ?? ''))).not.toContain('hello')
      },
      {},
      [
        service({
          contextName: 'redis',
          entryPointArgs: ['-c', serve],
          environmentVariables: { GREETING: 'hello' },
          createOptions:
            '--network-alias cache --health-cmd "grep -q $GREETING /www/index.html" --health-interval 100ms --health-retries 100',
          portMappings: ['16379:6379', '8080:8080/tcp'],
        }),
      ],
    )
  })

  it('are not waited for where they are not well: what they wrote is told', async () => {
    const { code, stdout, stderr } = await place.prepare({}, [
      service({
        contextName: 'db',
        entryPointArgs: ['-c', 'echo no disk; exit 3'],
        createOptions: '--health-cmd true --health-retries 1',
      }),
    ])
    expect(code).toBe(1)
    expect(stdout).toContain('no disk\n')
    expect(stderr).toContain('The service db is not well')
  })

  it('are not healthy for ever', async () => {
    const { code, stderr } = await place.prepare({}, [
      service({
        contextName: 'db',
        entryPointArgs: ['-c', 'sleep 300'],
        createOptions: '--health-cmd false --health-interval 10ms --health-retries 3',
      }),
    ])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('not well') })
  })
})

describe('run_container_step', () => {
  const action = (state: unknown, more: Record<string, unknown> = {}) => {
    const temp = join(place.folder, '_work/_temp')
    return place.run('run_container_step', {
      state,
      args: {
        image: shellImage,
        dockerfile: null,
        entryPoint: 'sh',
        entryPointArgs: [],
        workingDirectory: '/github/workspace',
        createOptions: null,
        environmentVariables: {},
        prependPath: [],
        userMountVolumes: [],
        systemMountVolumes: [
          ...systemMounts(place.folder).slice(0, 1),
          {
            sourceVolumePath: join(temp, '_runner_file_commands'),
            targetVolumePath: '/github/file_commands',
            readOnly: false,
          },
          {
            sourceVolumePath: join(place.folder, '_work/repo/repo'),
            targetVolumePath: '/github/workspace',
            readOnly: false,
          },
        ],
        registry: null,
        portMappings: [],
        ...more,
      },
    })
  }

  it('runs an image of its own in the job’s network and folders, and removes it', async () => {
    await writeFile(join(place.folder, '_work/repo/repo/file'), 'of the repository\n')
    await withJob(async (state, { context }) => {
      const script = 'cat file; echo "$INPUT_A"; echo "x=1" >> /github/file_commands/out; exit 4'
      const ran = await action(state, {
        entryPointArgs: ['-c', script],
        environmentVariables: { INPUT_A: 'c d' },
        prependPath: ['/opt'],
      })
      expect(ran).toMatchObject({ code: 4, stdout: 'of the repository\nc d\n', stderr: '' })
      expect(
        await readFile(join(place.folder, '_work/_temp/_runner_file_commands/out'), 'utf8'),
      ).toBe('x=1\n')
      const odd = { entryPoint: 'env', environmentVariables: { 'INPUT_A-B': 'e' } }
      expect((await action(state, odd)).stdout).toContain('\nINPUT_A-B=e\n')
      const name = context.container.id.slice(0, 12)
      const seen = await action(state, { entryPointArgs: ['-c', `nslookup ${name} 127.0.0.11`] })
      expect(seen.code).toBe(0)
      expect((await place.left()).containers).toHaveLength(1)
    })
  })

  it('runs what the image says, where the action says nothing', async () => {
    const { busyboxFiles } = await import('../support/dockerd.ts')
    const changes = ['ENTRYPOINT ["echo", "by itself:"]', 'CMD ["default"]']
    await place.dockerd.importImage('own:1', await busyboxFiles(), changes)
    await withJob(async (state) => {
      const own = { image: 'own:1', entryPoint: null }
      expect((await action(state, own)).stdout).toBe('by itself: default\n')
      expect((await action(state, { ...own, entryPointArgs: ['"a', 'b"'] })).stdout).toBe(
        'by itself: a b\n',
      )
    })
  })

  it('builds the Dockerfile of an action, and keeps no image of it', async () => {
    const folder = join(place.folder, '_work/_actions/acme/tool/v1')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'said'), 'built from here\n')
    await writeFile(
      join(folder, 'Dockerfile'),
      `FROM ${shellImage}\nCOPY said /said\nENTRYPOINT ["cat", "/said"]\n`,
    )
    const before = (await place.dockerd.ask<unknown[]>('/images/json')).length
    await withJob(async (state) => {
      const dockerfile = join(folder, 'Dockerfile')
      const ran = await action(state, { image: null, dockerfile, entryPoint: null })
      expect(ran).toMatchObject({ code: 0, stderr: '' })
      expect(ran.stdout).toContain('built from here\n')
      const outside = await action(state, { image: null, dockerfile: '/etc/Dockerfile' })
      expect(outside).toMatchObject({ code: 1 })
    })
    expect(await place.dockerd.ask<unknown[]>('/images/json')).toHaveLength(before)
  })
})

describe('cleanup_job', () => {
  it('is harmless where there is nothing, and again', async () => {
    expect(await place.run('cleanup_job', { state: null })).toMatchObject({ code: 0, stdout: '' })
    const { response } = await place.prepare()
    for (let time = 0; time < 2; time++) {
      expect(await place.run('cleanup_job', { state: response?.state })).toMatchObject({ code: 0 })
    }
    const state = { delegationId: '0190a1b2-0000-7000-8000-000000000007' }
    expect(await place.run('cleanup_job', { state })).toMatchObject({ code: 0 })
  })
})

async function inspect(id: string) {
  return place.dockerd.ask<{ HostConfig: Record<string, unknown> }>(`/containers/${id}/json`)
}
