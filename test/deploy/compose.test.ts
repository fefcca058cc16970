// deploy/compose: what is in it exists and is known to whom it is given, and its scripts work.
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../packages/server/src/config/read-config.ts'
import { settings } from '../../packages/server/src/config/settings.ts'
import { repositoryRoot } from '../support/markdown.ts'
import { startNats } from '../support/nats.ts'
import { startTestServer } from '../support/server.ts'

const run = promisify(execFile)
const folder = join(repositoryRoot, 'deploy/compose')

interface Service {
  image: string
  profiles?: string[]
  restart: string
  build?: { context: string; dockerfile: string }
  command?: string[]
  environment?: Record<string, string>
  volumes?: (string | { type: string; source: string; target: string })[]
  ports?: string[]
  networks: string[] | Record<string, { aliases?: string[] }>
  labels?: Record<string, string>
  depends_on?: Record<string, { condition: string; required?: boolean }>
  healthcheck: { test?: string[]; disable?: boolean }
  deploy: { resources: { limits: { memory?: string; cpus?: string } } }
  cap_drop: string[]
  pids_limit: number
  security_opt: string[]
  read_only?: boolean
}
interface Compose {
  services: Record<string, Service>
  volumes: Record<string, object>
  networks: Record<string, { internal?: boolean }>
}

let text: string
let compose: Compose
beforeAll(async () => {
  text = await readFile(join(folder, 'compose.yaml'), 'utf8')
  compose = parse(text, { merge: true }) as Compose
})
const services = () => Object.entries(compose.services)
const isOurs = ({ image }: Service) => image === '${IMAGE:-slipway}'

/** `${NAME}`, `${NAME:-default}` and `${NAME:?why}`, as Compose reads them. */
function interpolate(value: string, env: Record<string, string>): string {
  return value.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, how, rest: string) => {
      const known = env[name] ?? ''
      if (known !== '') return known
      if (how === '?') throw new Error(`${name}: ${rest}`)
      return how === '-' ? rest : ''
    },
  )
}

let scratch: string
beforeEach(async () => void (scratch = await mkdtemp(join(tmpdir(), 'slipway-compose-'))))
afterEach(() => rm(scratch, { recursive: true }))

async function makeEnv(profile: string): Promise<Record<string, string>> {
  await copyFile(join(folder, 'make-env'), join(scratch, 'make-env'))
  await run('sh', [join(scratch, 'make-env'), profile])
  return readEnv(join(scratch, '.env'))
}
async function readEnv(file: string): Promise<Record<string, string>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => /^\w/.test(line))
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
      return [name, value]
    }),
  )
}

describe('compose.yaml', () => {
  it('has a server alone with its database, or everything', () => {
    const of = (profile: string) =>
      services()
        .filter(([, { profiles }]) => profiles === undefined || profiles.includes(profile))
        .map(([name]) => name)
        .toSorted()
    expect(of('minimal')).toEqual(['postgres', 'slipway'])
    const stores = ['postgres', 'nats', 'minio', 'bucket', 'keycloak']
    const watching = ['alloy', 'grafana', 'loki', 'prometheus', 'prometheus-token', 'tempo']
    const work = ['slipway', 'slipway-worker', 'worker-token']
    expect(of('full')).toEqual([...stores, ...watching, ...work].toSorted())
    expect(of('several')).toEqual(['postgres', 'slipway', 'slipway-2'])
  })

  it('gives every service limits and a way to tell its health, but to jobs that end', () => {
    for (const [name, service] of services()) {
      const { limits } = service.deploy.resources
      expect([name, limits.memory, limits.cpus, service.pids_limit]).toEqual([
        name,
        expect.any(String),
        expect.any(String),
        2048,
      ])
      expect(service.cap_drop, name).toEqual(['ALL'])
      expect(service.security_opt, name).toContain('no-new-privileges:true')
      const ends = service.restart === 'no'
      if (ends) expect(service.healthcheck, name).toEqual({ disable: true })
      else expect(service.healthcheck.test?.[0], name).toBe('CMD')
    }
  })

  it('runs ours with a root that cannot be written', () => {
    const ours = services().filter(([, service]) => isOurs(service))
    expect(ours.length).toBe(5)
    for (const [, { read_only }] of ours) expect(read_only).toBe(true)
  })

  it('waits only for services that are there, for their health or for their end', () => {
    for (const [name, { depends_on, profiles }] of services()) {
      for (const [other, { condition, required }] of Object.entries(depends_on ?? {})) {
        const awaited = compose.services[other]
        expect(awaited, `${name} → ${other}`).toBeDefined()
        const ends = awaited?.restart === 'no'
        expect(condition).toBe(ends ? 'service_completed_successfully' : 'service_healthy')
        // What belongs to another profile may be missing.
        if (awaited?.profiles !== undefined && profiles === undefined) expect(required).toBe(false)
      }
    }
  })

  it('mounts files that there are, and volumes and networks that it names', async () => {
    let files = 0
    for (const [, service] of services()) {
      for (const volume of service.volumes ?? []) {
        const source = typeof volume === 'string' ? (volume.split(':')[0] ?? '') : volume.source
        if (source.startsWith('.')) {
          await expect(stat(resolve(folder, source))).resolves.toBeDefined()
          expect(volume).toMatch(/:ro$/)
          files++
        } else if (source !== '/var/run/docker.sock') {
          expect(Object.keys(compose.volumes)).toContain(source)
        }
      }
      const networks = Array.isArray(service.networks)
        ? service.networks
        : Object.keys(service.networks)
      for (const network of networks) expect(Object.keys(compose.networks)).toContain(network)
      if (service.build !== undefined) {
        const { context, dockerfile } = service.build
        await expect(stat(resolve(folder, context, dockerfile))).resolves.toBeDefined()
      }
    }
    expect(files).toBeGreaterThan(8)
    expect(compose.networks['data']?.internal).toBe(true)
  })

  it('opens ports on this machine alone', () => {
    const ports = services().flatMap(([, service]) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(3)
    for (const port of ports) expect(port).toMatch(/^\$\{BIND_ADDRESS:-127\.0\.0\.1\}:/)
    // Two services of one profile do not want the same one.
    const outer = ports.map((port) => interpolate(port, {}).split(':')[1])
    expect(outer).toEqual([...new Set(outer)])
  })

  it('has no secret in it: those have no default', () => {
    for (const [name, { environment }] of services()) {
      for (const [key, value] of Object.entries(environment ?? {})) {
        if (!/(PASSWORD|MASTER_KEY|ADMIN_TOKEN|SECRET|SECRET_ACCESS_KEY|_TOKEN)$/.test(key))
          continue
        expect(`${name} ${key} ${value}`).toMatch(/ \$\{\w+(:\?run \.\/make-env first|:-)\}$/)
      }
    }
    expect(text).not.toMatch(/:\/\/\w+:(?!\$\{)[^/\s{}]+@/)
  })

  it('names hosts as the files for watching it do', async () => {
    const worker = compose.services['slipway-worker']
    expect(worker?.environment).toMatchObject({ SLIPWAY_WORKER_PORT: '9464', HOST: '0.0.0.0' })
    expect(worker?.labels).toEqual({ 'io.slipway.logs': 'slipway-worker' })
    expect(compose.services['slipway']?.labels).toEqual({ 'io.slipway.logs': 'slipway' })
    const read = (file: string) => readFile(join(repositoryRoot, 'deploy', file), 'utf8')
    const scraping = await read('prometheus/prometheus.yml')
    expect(scraping).toContain('credentials_file: /etc/prometheus/slipway-token')
    const sources = await read('grafana/provisioning/datasources/slipway.yaml')
    const all = `${scraping}\n${sources}\n${await read('alloy/config.alloy')}`
    const hosts = [...all.matchAll(/http:\/\/([\w-]+):|names: \[([\w-]+)\]/g)].map(
      ([, url, name]) => url ?? name ?? '',
    )
    expect(hosts.length).toBeGreaterThan(5)
    expect(hosts.filter((host) => compose.services[host] === undefined)).toEqual([])
    const provider = await read('grafana/provisioning/dashboards/slipway.yaml')
    const [, path] = /path: (\S+)/.exec(provider) ?? []
    expect(compose.services['grafana']?.volumes).toContain(`../grafana/dashboards:${path}:ro`)
  })
})

describe('make-env', () => {
  it.each(['minimal', 'full'])(
    'makes all that %s needs, and settings that servers take',
    async (profile) => {
      const env = await makeEnv(profile)
      expect((await stat(join(scratch, '.env'))).mode & 0o777).toBe(0o600)
      expect(env['COMPOSE_PROFILES']).toBe(profile)
      for (const [name, service] of services()) {
        const given = Object.entries(service.environment ?? {}).map(
          ([key, value]): [string, string] => [key, interpolate(value, env)],
        )
        if (!isOurs(service)) continue
        const unknown = given.map(([key]) => key).filter((key) => !Object.hasOwn(settings, key))
        if (service.restart === 'no') expect(unknown).toEqual(['SLIPWAY_URL', 'SLIPWAY_TOKEN'])
        else {
          expect(unknown, name).toEqual([])
          await expect(readConfig(Object.fromEntries(given))).resolves.toBeDefined()
        }
      }
    },
  )

  it('makes other passwords each time, of 32 bytes, and leaves those that are there alone', async () => {
    const first = await makeEnv('full')
    await expect(makeEnv('full')).rejects.toThrow('There is an .env already')
    expect(await readEnv(join(scratch, '.env'))).toEqual(first)
    await rm(join(scratch, '.env'))
    const second = await makeEnv('full')
    const secret = Object.keys(first).filter((name) => /PASSWORD|KEY$|TOKEN/.test(name))
    expect(secret.length).toBeGreaterThan(9)
    const values = secret.flatMap((name) => [first[name], second[name]])
    expect(new Set(values).size).toBe(values.length)
    for (const value of values) expect(value).toMatch(/^n?[0-9a-f]{64}$/)
    await expect(makeEnv('else')).rejects.toThrow('Usage')
  })

  it('is what .env.example explains, which holds none', async () => {
    const example = await readEnv(join(folder, '.env.example'))
    expect(Object.keys(example)).toEqual(expect.arrayContaining(Object.keys(await makeEnv('full'))))
    for (const [name, value] of Object.entries(example)) {
      if (/PASSWORD|SECRET|KEY$|TOKEN$|NATS_URL/.test(name))
        expect([name, value]).toEqual([name, ''])
    }
    const used = [...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '')
    const images = used.filter((name) => name.endsWith('_IMAGE') || name === 'MINIO_ROOT_USER')
    const others = used.filter((name) => !images.includes(name))
    expect(Object.keys(example)).toEqual(expect.arrayContaining(others))
  })
})

describe('what the containers are given', () => {
  it('NATS takes its users, and lets servers do their work', async () => {
    const env = await makeEnv('full')
    const config = await readFile(join(folder, 'nats/nats.conf'), 'utf8')
    await run('nats-server', ['--config', join(folder, 'nats/nats.conf'), '-t'], {
      env: { PATH: process.env['PATH'], ...env },
    })
    const page = await readFile(join(repositoryRoot, 'docs/nats.md'), 'utf8')
    for (const user of ['server', 'worker']) {
      const [, publish = '', subscribe = ''] =
        new RegExp(`^\\| ${user} \\| (.*) \\| (.*) \\|$`, 'm').exec(page) ?? []
      const quoted = (list: string) => list.replaceAll('`', '"')
      expect(publish).not.toBe('')
      expect(config).toContain(`publish: [${quoted(publish)}]`)
      expect(config).toContain(`subscribe: [${quoted(subscribe)}]`)
    }
    const authorization = config
      .slice(config.indexOf('authorization'))
      .replaceAll(/\$(NATS_\w+_PASSWORD)/g, (_, name: string) => env[name] ?? '')
    const nats = await startNats({ configuration: authorization })
    try {
      const url = (env['SERVER_NATS_URL'] ?? '').replace('nats:4222', nats.host)
      const server = await startTestServer({ NATS_URL: url })
      try {
        const { checks } = await server.json<{ checks: object }>('GET', '/health')
        expect(checks).toMatchObject({ job_bus: 'pass' })
      } finally {
        await server.close()
      }
    } finally {
      await nats.close()
    }
  }, 60_000)

  it('make-token makes a token once, and another when that one counts no more', async () => {
    const server = await startTestServer()
    try {
      await symlink(join(repositoryRoot, 'packages/cli/bin/slipway.js'), join(scratch, 'slipway'))
      const file = join(scratch, 'slipway-token')
      const make = (mode: string) =>
        run('sh', [join(folder, 'make-token'), 'compose-prometheus', 'viewer', file, mode], {
          env: {
            PATH: `${scratch}:${process.env['PATH']}`,
            HOME: scratch,
            SLIPWAY_URL: server.url,
            SLIPWAY_TOKEN: server.token,
          },
        })
      const read = async () => (await readFile(file, 'utf8')).trim()
      await make('0444')
      expect((await stat(file)).mode & 0o777).toBe(0o444)
      const first = await read()
      await server.request('GET', '/metrics', { token: first }).then(async (answer) => {
        expect(answer.status).toBe(200)
        await answer.body?.cancel()
      })
      await make('0444')
      expect(await read()).toBe(first)
      await rm(file)
      await writeFile(file, 'slw_another-installations-token\n')
      await make('0600')
      expect(await read()).not.toBe(first)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      const old = await server.request('GET', '/metrics', { token: first })
      expect(old.status).toBe(401)
      await old.body?.cancel()
    } finally {
      await server.close()
    }
  }, 60_000)

  it('the database’s script makes what the services connect to', async () => {
    const script = await readFile(join(folder, 'postgres/databases.sql'), 'utf8')
    const [, environment] = services().find(([name]) => name === 'postgres') ?? []
    for (const [, name = ''] of script.matchAll(/\\getenv \w+ (\w+)/g)) {
      expect(Object.keys(environment?.environment ?? {})).toContain(name)
    }
    for (const name of ['slipway', 'keycloak']) {
      expect(script).toContain(`create database ${name} owner ${name};`)
      expect(script).toContain(`create role ${name} login password :'${name}_password';`)
    }
  })
})
