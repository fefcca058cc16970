// Everything of a server that does no jobs itself, done by a worker without its database.
import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEntry } from '@slipway/contract/access'
import type { Build, BuildOutput } from '@slipway/contract/builds'
import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import type { Release } from '@slipway/contract/releases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveGit } from '../support/git-http.ts'
import { createRepository } from '../support/git-repository.ts'
import { readZip } from '../support/read-zip.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { runCli } from '../support/run-cli.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { filesWith } from '../support/scan-files.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { watchProcesses } from '../support/watch-processes.ts'

let root: string
let server: TestServer
let worker: RemoteWorker
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-remote-'))
  await writeFile(
    join(root, 'slipway.yaml'),
    'environments:\n  dev: { autoDeploy: true }\npublishers:\n  here: { type: filesystem, path: /srv }\n',
  )
  await writeFile(join(root, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  server = await startTestServer({
    SLIPWAY_WORKER_TYPES: '',
    SLIPWAY_CONFIG: join(root, 'slipway.yaml'),
    COSIGN_KEY: join(root, 'key.pem'),
  })
  worker = await startRemoteWorker(server, {
    env: {
      SLIPWAY_WORKER_TYPES: 'discovery,task,artifact,release,deployment,build',
      DOCKER_HOST: `unix://${root}/none.sock`,
    },
  })
})
afterAll(async () => {
  await worker?.close()
  await server?.close()
  await rm(root, { recursive: true, force: true })
})

const secret = 'a-s3cret/that+is=nobodys&business'
const password = 'the-p4ssword/of+the=repository'

/** A repository behind a login that the server alone has stored. */
async function guardedRepository(name: string, files: Record<string, string>): Promise<string> {
  const repository = await createRepository(server.repositories, `hidden/${name.replace('/', '-')}`)
  const commit = await repository.commit(files)
  const url = await serveGit(repository, { login: { username: 'me', password } })
  const { credential } = await server.json<{ credential: { id: number } }>(
    'POST',
    '/api/credentials',
    {
      body: {
        name: `login of ${name}`,
        credential_type: 'git_https',
        credential_data: { username: 'me', password_or_token: password },
      },
    },
  )
  await server.json('POST', '/api/repositories', {
    body: { name, repository_url: url, credential_id: credential.id },
  })
  return commit
}

describe('a whole run', () => {
  it('from a private repository to a deployment is done elsewhere, and leaves no secret there', async () => {
    const watch = watchProcesses(worker.pid(), [secret, password, worker.token])
    const name = 'acme/shop'
    const commit = await guardedRepository(name, {
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { build: {} } }),
      'api/.forge/project.json': JSON.stringify({
        name: 'api',
        phases: {
          build: {
            steps: [
              {
                name: 'make',
                secrets: ['TOKEN', { name: 'TOKEN', env: 'TOKEN_FILE', file: true }],
                run: 'echo "it is $TOKEN"; cat "$TOKEN_FILE"; mkdir dist; echo built > dist/a.txt',
              },
            ],
          },
        },
        artifacts: { tool: { type: 'archive', producer: { path: 'dist' } } },
        release: { on: [{ branch: 'main' }] },
        deploy: {
          resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'api' } }],
        },
      }),
    })
    const body = { value: secret }
    await server.json('PUT', `/v1/secrets/${encodeURIComponent(name)}/TOKEN`, { body, expect: 201 })
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(run, JSON.stringify(run)).toMatchObject({ status: 'success' })
    const log = await logOf(server, stepNamed(run, 'make'))
    expect(log).toBe('it is ***\n***\n')

    const release = await server.json<Release>('GET', `/v1/releases/${name}/api/${commit}`)
    expect(release.pipeline_run_id).toBe(run.id)
    const [artifact] = release.artifacts
    const tracked = /^[^/]+\/(.+):(.+)$/.exec(artifact?.tracking_oci_uri ?? '') ?? []
    await verifySignature(tracked[1] ?? '', tracked[2] ?? '')
    const path = '/v1/deployments?project=api'
    await expect
      .poll(async () => (await server.json<ListDeploymentsResponse>('GET', path)).deployments, {
        timeout: 30_000,
      })
      .toMatchObject([{ environment: 'dev', status: 'active' }])

    const found = await watch.stop()
    expect(found.filter(({ where }) => where === 'argv')).toEqual([])
    expect(await filesWith(worker.dataDir, [secret, password, worker.token])).toEqual([])
    const said = worker.output.join('\n')
    for (const hidden of [secret, password, worker.token]) expect(said).not.toContain(hidden)
    const { entries } = await server.json<{ entries: AuditEntry[] }>('GET', '/v1/audit?limit=100')
    const actions = entries.filter(({ actor }) => actor.startsWith('worker ')).map((e) => e.action)
    const attempt = 'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt'
    for (const what of ['secrets', 'signature', 'release', 'deployment']) {
      expect(actions).toContain(`${attempt}/${what}`)
    }
    expect(actions).not.toContain('POST /v1/workers/:id/claims')
  })

  it('says of a publisher that is the server’s own what it cannot', async () => {
    const repository = await createRepository(server.repositories, 'acme/files')
    const url = await serveGit(repository)
    const body = { name: 'acme/files', repository_url: url }
    await server.json('POST', '/api/repositories', { body })
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { build: {} } }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { build: { steps: [{ name: 'make', run: 'echo a > a' }] } },
        artifacts: { a: { type: 'binary', producer: { path: 'a' }, publishers: ['here'] } },
        release: { on: [{ branch: 'main' }] },
      }),
    })
    const run = await finishedRun(server, await startRun(server, 'acme/files', commit))
    expect(run.status).toBe('failed')
    expect(run.message).toContain(
      'a worker on another machine has no directories of the server'.slice(2),
    )
  })
})

/** The signature next to a manifest, by cosign's rules. */
async function verifySignature(repository: string, tag: string): Promise<void> {
  const get = (path: string) =>
    server.request('GET', `/v2/${repository}/${path}`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    })
  const manifest = await get(`manifests/${tag}`)
  const digest = `sha256-${createHash('sha256')
    .update(Buffer.from(await manifest.arrayBuffer()))
    .digest('hex')}`
  const signatures = (await (await get(`manifests/${digest}.sig`)).json()) as {
    layers: { digest: string; annotations: Record<string, string> }[]
  }
  const [layer] = signatures.layers
  const payload = Buffer.from(await (await get(`blobs/${layer?.digest}`)).arrayBuffer())
  const signature = layer?.annotations['dev.cosignproject.cosign/signature'] ?? ''
  expect(verify('sha256', payload, publicKey, Buffer.from(signature, 'base64'))).toBe(true)
  expect(payload.toString()).toContain(digest.replace('-', ':'))
}

describe('a build', () => {
  it('is made elsewhere, and its ZIP is had from the server', async () => {
    const repository = await createRepository(server.repositories, 'acme/zip')
    await repository.commit({ 'a.txt': 'hello', 'b/c.txt': 'world' })
    const { repository: made } = await server.json<{ repository: { id: number } }>(
      'POST',
      '/api/repositories',
      { body: { name: 'acme/zip', repository_url: await serveGit(repository) } },
    )
    const runs = '/api/pipelines/runs'
    const { pipeline_run: build } = await server.json<{ pipeline_run: Build }>('POST', runs, {
      body: {
        steps_to_execute: ['clone_repo', 'create_zip'],
        git_repository_id: made.id,
        output_type: 'zip',
      },
    })
    await server.json('POST', `${runs}/${build.id}/execute?wait=false`, { expect: 202 })
    const show = () => server.json<{ pipeline_run: Build }>('GET', `${runs}/${build.id}`)
    await expect
      .poll(async () => (await show()).pipeline_run.completed_at, { timeout: 40_000 })
      .not.toBeNull()
    expect((await show()).pipeline_run).toMatchObject({ status: 'completed' })
    const { build_outputs: outputs } = await server.json<{ build_outputs: BuildOutput[] }>(
      'GET',
      `${runs}/${build.id}/outputs`,
    )
    const answer = await server.request('GET', `/api/pipelines/outputs/${outputs[0]?.id}/download`)
    const entries = await readZip(Buffer.from(await answer.arrayBuffer()))
    const texts = entries.map(({ name, content }) => `${name.toString()}: ${content.toString()}`)
    expect(texts).toEqual(expect.arrayContaining(['a.txt: hello', 'b/c.txt: world']))
    const logs = await server.request('GET', `${runs}/${build.id}/logs`)
    expect(await logs.text()).toContain('Pipeline completed successfully')
  })
})

describe('slipway worker', () => {
  it('lists who works, and has one take no new jobs: it ends then, and is gone', async () => {
    const second = await startRemoteWorker(server)
    const env = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token }
    const listed = await runCli(['worker', 'list'], { env })
    expect(listed.out).toMatch(new RegExp(`${worker.id()} .*remote +working`))
    expect(listed.out).toMatch(/server +takes none/)
    const drained = await runCli(['worker', 'drain', second.id()], { env })
    expect(drained.err).toContain('takes no new jobs; in hand: 0 jobs')
    expect(await second.ended()).toBe(0)
    expect((await listedWorkers(server)).map(({ id }) => id)).not.toContain(second.id())
    await second.close()
  })

  it('is started by the same command, and ends by its signal', async () => {
    const dataDir = join(root, 'by-command')
    const env = {
      SLIPWAY_SERVER_URL: server.url,
      SLIPWAY_WORKER_TOKEN: worker.token,
      SLIPWAY_DATA_DIR: dataDir,
    }
    let told = false
    const ended = await runCli(['worker', '--types', 'release', '--capacity', '3'], {
      env,
      onOutput: (out, signal) => {
        if (told || !out.includes('"msg":"working"')) return
        told = true
        signal('SIGTERM')
      },
    })
    expect(ended.code).toBe(0)
    expect(ended.out).toContain('"types":["release"]')
  })
})
