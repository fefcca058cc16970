// deploy/Dockerfile: what it copies and runs, and, built by a real engine on a base that stands in for Node's,
// what is in the image and how it is started.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'
import { repositoryRoot } from '../support/markdown.ts'

const run = promisify(execFile)
const at = (path: string) => join(repositoryRoot, path)

interface Instruction {
  name: string
  rest: string
}

/** Instructions of a Dockerfile, continued lines joined, comments gone. */
function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
      return { name, rest }
    })
}

let instructions: Instruction[]
beforeAll(async () => {
  instructions = instructionsOf(await readFile(at('deploy/Dockerfile'), 'utf8'))
})
const all = (name: string) =>
  instructions.filter((each) => each.name === name).map(({ rest }) => rest)

describe('deploy/Dockerfile', () => {
  it('has a stage that builds and one that is shipped, on one base that can be replaced', () => {
    expect(all('ARG')).toEqual(['NODE_IMAGE=node:20-bookworm-slim'])
    expect(all('FROM')).toEqual(['${NODE_IMAGE} AS build', '${NODE_IMAGE} AS slipway'])
  })

  it('copies the manifest of every package before it fetches dependencies', async () => {
    const fetched = instructions.findIndex(({ rest }) => rest.startsWith('npm ci'))
    const before = instructions.slice(0, fetched).map(({ rest }) => rest)
    const packages = (await readdir(at('packages'), { withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    )
    for (const { name } of packages) {
      expect(before).toContain(`packages/${name}/package.json packages/${name}/`)
    }
  })

  it('copies only what is there', async () => {
    const sources = all('COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(/\s+/).slice(0, -1))
    expect(sources.length).toBeGreaterThan(5)
    for (const source of sources) await expect(stat(at(source))).resolves.toBeDefined()
    expect(all('ADD')).toEqual([])
  })

  it('runs as nobody in particular, and keeps no secret', () => {
    expect(all('USER')).toEqual(['10001:10001'])
    const told = [...all('ENV'), ...all('ARG'), ...all('LABEL')].join(' ')
    expect(told).not.toMatch(/TOKEN|PASSWORD|SECRET|_KEY/)
  })
})

// Shell scripts in the place of programs that need the network, and of those that Debian's base has.
const standIn = {
  'bin/npm': `#!/bin/sh
if [ "$1" = ci ]; then mkdir -p node_modules/fetched && touch node_modules/fetched/x.js.map; fi
if [ "$1 $2" = 'run build' ]; then
  mkdir -p packages/server/dist packages/server/src packages/cli/dist
  printf '#!/bin/sh\\necho "$0 $* as $(id -u) in $PWD with $SLIPWAY_DATA_DIR"; touch /data/written || exit 3\\n' > packages/server/dist/main.js
fi
`,
  'bin/apt-get': '#!/bin/sh\necho "apt-get $*" >> /etc/packages\n',
  'bin/groupadd': '#!/bin/sh\n',
  'bin/useradd': '#!/bin/sh\n',
  'usr/local/bin/yarn': '#!/bin/sh\n',
  'usr/bin/tini': '#!/bin/sh\nshift\nexec "$@"\n',
}

describe('the image', () => {
  let engine: Dockerd
  let docker: (...args: string[]) => Promise<string>
  beforeAll(async () => {
    engine = await startDockerd()
    const env = { ...process.env, DOCKER_HOST: engine.host, DOCKER_BUILDKIT: '0' }
    docker = async (...args) => {
      const { stdout } = await run('docker', args, { env, cwd: repositoryRoot, maxBuffer: 1 << 24 })
      return stdout
    }
    const path = 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
    await engine.importImage('base:1', await busyboxFiles(standIn), [path])
    const how = ['--network', 'none', '--build-arg', 'NODE_IMAGE=base:1', '-t', 'slipway:1']
    await docker('build', ...how, '-f', 'deploy/Dockerfile', '.')
  }, 120_000)
  afterAll(() => engine?.close())

  const inside = (script: string) =>
    docker('run', '--rm', '--network', 'none', '--entrypoint', '/bin/sh', 'slipway:1', '-c', script)

  it('says how it is run', async () => {
    const { Config: config } = await engine.ask<{ Config: Record<string, unknown> }>(
      '/images/slipway:1/json',
    )
    expect(config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['/usr/bin/tini', '--', 'slipway-server'],
      Cmd: ['serve'],
      Volumes: { '/data': {} },
      ExposedPorts: { '3000/tcp': {} },
      Labels: { 'io.slipway.logs': 'slipway' },
      Healthcheck: { Test: ['CMD', 'node', '/opt/slipway/deploy/healthcheck.js'] },
    })
  })

  it('starts with a root that cannot be written, as an unprivileged user who owns /data', async () => {
    const closed = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL']
    const alone = ['--rm', '--network', 'none', '--security-opt', 'no-new-privileges']
    const said = await docker('run', ...alone, ...closed, 'slipway:1', 'worker')
    expect(said).toBe('/usr/local/bin/slipway-server worker as 10001 in /data with /data\n')
  })

  it('holds what was built, and neither sources nor tests nor what lies around', async () => {
    const files = (await inside('cd /opt/slipway && find . -type f')).trim().split('\n')
    expect(files).toEqual(
      expect.arrayContaining([
        './packages/server/dist/main.js',
        './packages/server/migrations/0001_engine.sql',
        './packages/cli/bin/slipway.js',
        './deploy/healthcheck.js',
        './LICENSE',
      ]),
    )
    expect(
      files.filter((path) => /\/src\/|\.test\.|\.map$|\/\.(env|git|slipway)/.test(path)),
    ).toEqual([])
    const folders = new Set(files.map((path) => path.split('/').slice(1, 2)[0]))
    expect([...folders].filter((name) => !name?.includes('.'))).toEqual(
      expect.arrayContaining(['packages', 'deploy']),
    )
    for (const name of ['test', 'docs', 'bench', 'scripts']) expect(folders).not.toContain(name)
    expect(await inside('readlink /usr/local/bin/slipway')).toBe(
      '/opt/slipway/packages/cli/bin/slipway.js\n',
    )
  })

  it('has the programs that steps and fetches need', async () => {
    const installed = await inside('cat /etc/packages')
    for (const name of [
      'bubblewrap',
      'ca-certificates',
      'git',
      'git-lfs',
      'openssh-client',
      'tini',
    ]) {
      expect(installed).toMatch(new RegExp(` ${name}( |$)`, 'm'))
    }
  })
})

describe('deploy/healthcheck.js', () => {
  const check = (env: NodeJS.ProcessEnv) =>
    run(process.execPath, [at('deploy/healthcheck.js')], { env }).then(
      () => ({ code: 0, stderr: '' }),
      (error: unknown) => {
        const { code, stderr } = error as { code: number; stderr: string }
        return { code, stderr }
      },
    )

  it('asks a server whether it lives, and a worker at the port where it shows itself', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.statusCode = asked.length > 2 ? 503 : 200
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const port = String((server.address() as AddressInfo).port)
    try {
      expect(await check({ PORT: port })).toMatchObject({ code: 0 })
      expect(await check({ PORT: '1', SLIPWAY_WORKER_PORT: port })).toMatchObject({ code: 0 })
      expect(asked).toEqual(['/livez', '/healthz'])
      expect(await check({ PORT: port })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('503') as string,
      })
    } finally {
      server.close()
    }
    expect(await check({ PORT: port })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED') as string,
    })
  })
})
