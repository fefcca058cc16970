// Builds with every kind of credential, and whoever looks over the server's shoulder meanwhile: into the
// process list, files, logs, answers and what is built.
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '@slipway/contract/builds'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { busybox, type Dockerd, fromBusybox, startDockerd } from '../support/dockerd.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { readZip } from '../support/read-zip.ts'
import { filesWith } from '../support/scan-files.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startSshd } from '../support/sshd.ts'
import { watchProcesses } from '../support/watch-processes.ts'

let server: TestServer
let dockerd: Dockerd
let registry: DockerRegistry
beforeAll(async () => {
  registry = await startDockerRegistry()
  dockerd = await startDockerd()
  server = await startTestServer({
    DOCKER_HOST: dockerd.host,
    OCI_PLAIN_HTTP: registry.host,
    SLIPWAY_BUILD_NETWORK: 'none',
  })
})
afterAll(async () => {
  await server?.close()
  await dockerd?.close()
  await registry?.close()
})

/** Needs what a shell, a URL, JSON and a header would each write in another way. */
const secret = (what: string) => `${what}-${randomBytes(12).toString('hex')} "%&$';+/ü`

/** A secret, and what it would be in the hands of the tools that are given it. */
function formsOf(value: string, username = ''): string[] {
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64').slice(0, 24),
    ...(username === ''
      ? []
      : [Buffer.from(`${username}:${value}`).toString('base64').slice(0, 24)]),
  ]
}

const thing = async <T>(method: string, path: string, body: object, expected = 201) => {
  const answer = await server.json<Record<string, T>>(method, path, { body, expect: expected })
  return Object.values(answer).find((value) => typeof value === 'object') as T & { id: number }
}

async function runBuild(body: object): Promise<Build> {
  const build = await thing<Build>('POST', '/api/pipelines/runs', body)
  await server.json('POST', `/api/pipelines/runs/${build.id}/execute`, { expect: 200 })
  return (await server.json<{ pipeline_run: Build }>('GET', `/api/pipelines/runs/${build.id}`))
    .pipeline_run
}

const logOf = async ({ id }: Build) =>
  (await server.request('GET', `/api/pipelines/runs/${id}/logs`)).text()

async function commitPortal(name: string): Promise<TestRepository> {
  const repository = await createRepository(server.repositories, name)
  await writeFile(join(repository.directory, 'busybox'), await busybox(), { mode: 0o755 })
  await repository.git('add', 'busybox')
  await repository.commit({
    'README.md': '# Open WebUI\n',
    Dockerfile: [
      fromBusybox,
      'COPY . /app',
      'RUN /bin/busybox env; /bin/busybox cat /proc/*/environ /proc/*/cmdline | /bin/busybox tr "\\0" "\\n"',
      '',
    ].join('\n'),
  })
  return repository
}

it('shows no secret to anybody', { timeout: 180_000 }, async () => {
  const password = secret('password')
  const wrong = secret('wrong')
  const sshd = await startSshd()
  const keyBody = sshd.lockedKey.split('\n').slice(2, 4)
  const needles = [
    ...formsOf(password, 'bob'),
    ...formsOf(wrong, 'builder'),
    ...formsOf(sshd.passphrase),
    ...formsOf(registryUser.password, registryUser.username),
    ...keyBody,
  ]

  const overHttp = await commitPortal('acme/over-http')
  const overSsh = await commitPortal('acme/over-ssh')
  const login = { username: 'bob', password }
  let atRequest: () => Promise<void> = async () => undefined
  const url = await serveGit(overHttp, {
    login,
    onRequest: async (authorization) => {
      if (authorization !== undefined) await atRequest()
    },
  })
  const credential = (name: string, type: string, data: object) =>
    thing('POST', '/api/credentials', { name, credential_type: type, credential_data: data })
  const repository = (name: string, at: string, id: number) =>
    thing<{ is_verified: boolean; id: number }>('POST', '/api/repositories', {
      name,
      repository_url: at,
      credential_id: id,
    })
  const https = await credential('https', 'git_https', {
    username: 'bob',
    password_or_token: password,
  })
  const ssh = await credential('ssh', 'git_ssh', {
    private_key: sshd.lockedKey,
    passphrase: sshd.passphrase,
    known_hosts: sshd.knownHost,
  })
  const docker = await credential('docker', 'registry_generic', {
    username: registryUser.username,
    password_or_token: registryUser.password,
    registry_url: `http://${registry.host}`,
  })
  const first = await repository('acme/over-http', url, https.id)
  const second = await repository('acme/over-ssh', sshd.url(overSsh.directory), ssh.id)
  expect([first.is_verified, second.is_verified]).toEqual([true, true])
  const home = await thing('POST', '/api/registries', {
    name: 'home',
    registry_type: 'generic',
    registry_url: registry.host,
    namespace: 'acme',
    credential_id: docker.id,
  })
  const template = await thing('POST', '/api/branding/templates', {
    name: 'acme',
    replacement_rules: [{ pattern: 'Open WebUI', replacement: 'Acme' }],
  })
  const configuration = await thing('POST', '/api/configurations', {
    name: 'acme',
    settings: { NAME: 'Acme' },
  })

  const watch = watchProcesses(server.pid(), needles)
  const inFiles = new Set<string>()
  const lookAtFiles = async () => {
    // The way to a remote is open: what it is made of is where nobody else may look, and nowhere else.
    const except = ['git-access/', 'postgres/']
    for (const file of await filesWith(server.dataDir, needles, except)) inFiles.add(file)
  }
  let looks = 0
  atRequest = async () => {
    looks += 1
    watch.look()
    await lookAtFiles()
  }
  const zipped = await runBuild({
    steps_to_execute: ['clone_repo', 'create_zip'],
    git_repository_id: first.id,
    output_type: 'zip',
  })
  const pushing = {
    steps_to_execute: [
      'clone_repo',
      'apply_branding',
      'apply_config',
      'create_zip',
      'build_image',
      'push_registry',
    ],
    git_repository_id: second.id,
    branding_template_id: template.id,
    configuration_id: configuration.id,
    registry_id: home.id,
    output_type: 'both',
  }
  const pushed = await runBuild(pushing)
  // What is said where a login is refused: of a repository, and of a registry.
  login.password = wrong
  const refused = await runBuild({
    steps_to_execute: ['clone_repo', 'create_zip'],
    git_repository_id: first.id,
    output_type: 'zip',
  })
  await thing(
    'PUT',
    `/api/credentials/${docker.id}`,
    {
      credential_type: 'registry_generic',
      credential_data: {
        username: 'builder',
        password_or_token: wrong,
        registry_url: `http://${registry.host}`,
      },
    },
    200,
  )
  const unpushed = await runBuild(pushing)
  const found = await watch.stop()

  const builds = [zipped, pushed, refused, unpushed]
  const logs = await Promise.all(builds.map(logOf))
  expect(
    builds.map(({ status }) => status),
    logs.join('\n'),
  ).toEqual(['completed', 'completed', 'failed', 'failed'])
  expect(pushed.build_outputs.map(({ image_digest: digest }) => digest ?? null)).toContainEqual(
    expect.stringMatching(/^sha256:/),
  )

  // It did look: at every program that has to do with a credential, while it had it.
  expect(looks).toBeGreaterThan(0)
  expect([...watch.programs]).toEqual(expect.arrayContaining(['git', 'ssh']))
  expect([...watch.programs].some((name) => name.startsWith('git-remote-http'))).toBe(true)
  // Whom it was for, by nothing but their own environment, which they alone inherit.
  expect(found.filter(({ where }) => where === 'argv')).toEqual([])
  expect(found.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['SLIPWAY_GIT_PASSWORD', 'SLIPWAY_GIT_PASSPHRASE']),
  )
  const own = /^(git|git-remote-https?|ssh|sh|dash|bash|printf)$/
  expect(found.filter(({ program }) => !own.test(program))).toEqual([])
  expect(
    found.filter(({ name }) => !['SLIPWAY_GIT_PASSWORD', 'SLIPWAY_GIT_PASSPHRASE'].includes(name)),
  ).toEqual([])

  expect([...inFiles]).toEqual([])
  // At rest, too: nothing is left of the way in, and the database holds what it has encrypted.
  expect(await filesWith(server.dataDir, needles)).toEqual([])

  const { id: zipId } = zipped.build_outputs[0] ?? { id: 0 }
  const zip = await server.request('GET', `/api/pipelines/outputs/${zipId}/download`)
  const packed = await readZip(Buffer.from(await zip.arrayBuffer()))
  const answers = await Promise.all(
    [
      ...builds.map(({ id }) => `/api/pipelines/runs/${id}`),
      '/api/pipelines/runs',
      '/api/pipelines/statistics',
      '/api/repositories',
      '/api/credentials',
      '/api/registries',
      '/v1/audit',
      '/metrics',
    ].map(async (path) => (await server.request('GET', path)).text()),
  )
  const said = [
    ...logs,
    ...answers,
    ...server.output,
    ...packed.map(({ content }) => content.toString('latin1')),
  ].join('\n')
  expect(needles.filter((needle) => said.includes(needle))).toEqual([])
  expect(logs[2]).toMatch(/Authentication failed|refused|denied|not let in/i)
})
