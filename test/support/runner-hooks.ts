import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type DelegationPlace,
  type PlaceClass,
  shellImage,
  startDelegationPlace,
} from './delegations.ts'

const script = fileURLToPath(new URL('../../deploy/runner-hooks/slipway-hooks.js', import.meta.url))

/** What a hook came to. */
export interface HookEnd {
  /** Null: a signal ended it. */
  code: number | null
  stdout: string
  stderr: string
  /** What it wrote for the runner; null: nothing. */
  response: HookResponse | null
}

export interface HookResponse {
  state: { delegationId: string; environment: Record<string, string> }
  context: {
    container: { id: string; network: string }
    services: { id: string; network: string; ports: Record<string, string> }[]
  }
  isAlpine: boolean
}

/** A hook that runs. */
export interface RunningHook {
  readonly pid: number
  /** What it has written so far. */
  stdout(): string
  kill(signal: NodeJS.Signals): void
  readonly end: Promise<HookEnd>
}

/** The folders of a runner, with the hooks as they are deployed, and a server with an engine for them. */
export interface HookPlace extends DelegationPlace {
  /** Of the runner. */
  readonly folder: string
  readonly tokenFile: string
  /** Environment of the runner of a job; another name is another job. */
  env(job?: string): Record<string, string>
  /** Starts the hooks as the runner does. */
  start(
    command: string,
    input: { args?: unknown; state?: unknown },
    env?: Record<string, string>,
  ): Promise<RunningHook>
  run(
    command: string,
    input: { args?: unknown; state?: unknown },
    env?: Record<string, string>,
  ): Promise<HookEnd>
  /** Prepares a job with this container; what differs from the protocol’s example is said. */
  prepare(
    container?: Record<string, unknown>,
    services?: unknown[],
    env?: Record<string, string>,
  ): Promise<HookEnd>
}

const classOfHooks = 'hooks'

export async function startHookPlace(
  over: Partial<PlaceClass> = {},
  more: readonly PlaceClass[] = [],
  env: Record<string, string> = {},
): Promise<HookPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-proxy-'))
  const inWork = ['repo/repo', '_actions', '_tool', '_temp/_github_home', '_temp/_github_workflow']
  for (const name of [...inWork, '_temp/_runner_file_commands', '_temp/_runner_hook_responses']) {
    await mkdir(join(folder, '_work', name), { recursive: true })
  }
  await mkdir(join(folder, 'externals'))
  await mkdir(join(folder, 'tmp'))
  await writeFile(join(folder, 'externals', 'node'), 'the node of the runner')
  // As it is deployed: alone, without the package.json of the repository.
  await copyFile(script, join(folder, 'slipway-hooks.js'))
  const common = {
    network: 'internal',
    images: ['*'],
    mounts: [join(folder, '_work'), `${join(folder, 'externals')}:ro`],
  }
  const place = await startDelegationPlace(
    [
      { name: classOfHooks, labels: ['hooks'], ...common, ...over },
      ...more.map((each) => ({ ...common, ...each })),
    ],
    env,
  )
  const tokenFile = join(folder, 'token')
  const body = { name: 'proxy', roles: ['service-account'] }
  const made = await place.server.json<{ token: string }>('POST', '/v1/tokens', { body })
  await writeFile(tokenFile, made.token, { mode: 0o600 })
  await chmod(tokenFile, 0o600)

  const envOf = (job = 'build') => ({
    PATH: process.env['PATH'] ?? '',
    TMPDIR: join(folder, 'tmp'),
    SLIPWAY_URL: place.server.url,
    SLIPWAY_TOKEN_FILE: tokenFile,
    SLIPWAY_LABELS: 'hooks',
    RUNNER_NAME: `proxy-${job}`,
    GITHUB_JOB: job,
    GITHUB_REPOSITORY: 'owner/repo',
    GITHUB_RUN_ID: '4711',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_WORKFLOW: 'CI',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_ACTOR: 'somebody',
  })
  let files = 0
  const hooks: HookPlace = {
    ...place,
    folder,
    tokenFile,
    env: envOf,
    async start(command, { args = {}, state = null }, env = envOf()) {
      const responseFile = join(folder, '_work/_temp/_runner_hook_responses', `${++files}.json`)
      // The runner makes the file before.
      await writeFile(responseFile, '')
      const child = spawn(process.execPath, [join(folder, 'slipway-hooks.js')], { env })
      const out: Buffer[] = []
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.stdin.on('error', () => {})
      child.stdin.end(JSON.stringify({ command, responseFile, args, state }))
      const stdout = () => Buffer.concat(out).toString()
      const end = once(child, 'close').then(async ([code]) => {
        const text = await readFile(responseFile, 'utf8')
        await rm(responseFile)
        const response = text === '' ? null : (JSON.parse(text) as HookResponse)
        return { code: code as number | null, stdout: stdout(), stderr, response }
      })
      return { pid: child.pid ?? 0, stdout, kill: (signal) => void child.kill(signal), end }
    },
    run: async (command, input, env) => (await hooks.start(command, input, env)).end,
    prepare: (container = {}, services = [], env = envOf()) =>
      hooks.run(
        'prepare_job',
        {
          args: {
            container: {
              image: shellImage,
              workingDirectory: '/__w/repo/repo',
              createOptions: '--cpus 1',
              environmentVariables: { NODE_ENV: 'development' },
              userMountVolumes: [],
              systemMountVolumes: systemMounts(folder),
              portMappings: [],
              ...container,
            },
            services,
          },
        },
        env,
      ),
    async close() {
      await place.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return hooks
}

/** What the runner mounts into the containers of jobs by itself. */
export function systemMounts(folder: string) {
  const work = join(folder, '_work')
  const mount = (sourceVolumePath: string, targetVolumePath: string, readOnly = false) => ({
    sourceVolumePath,
    targetVolumePath,
    readOnly,
  })
  return [
    mount('/var/run/docker.sock', '/var/run/docker.sock'),
    mount(work, '/__w'),
    mount(join(folder, 'externals'), '/__e', true),
    mount(join(work, '_temp'), '/__w/_temp'),
    mount(join(work, '_actions'), '/__w/_actions'),
    mount(join(work, '_tool'), '/__w/_tool'),
    // As the protocol's own example has it.
    mount(`/${join(work, '_temp/_github_home')}`, '/github/home'),
    mount(join(work, '_temp/_github_workflow'), '/github/workflow'),
  ]
}
