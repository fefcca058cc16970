// Builds as their worker does them: what comes out, what is said, and what is left when it does not work.
import { createHash, randomUUID } from 'node:crypto'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../packages/server/src/errors.ts'
import { JobAborted } from '../../packages/server/src/ports/job-bus.ts'
import { createBuildWorker, type BuildWorker } from '../support/build-worker.ts'
import { serveGit } from '../support/git-http.ts'
import { readZip } from '../support/read-zip.ts'
import { startSshd } from '../support/sshd.ts'

let worker: BuildWorker
beforeEach(async () => {
  worker = await createBuildWorker()
})
afterEach(() => worker.close())

const statuses = (build: { steps: readonly { status: string }[] }) =>
  build.steps.map(({ status }) => status)

/** Nothing is left of a build that came to nothing. */
async function expectNothingLeft(): Promise<void> {
  expect(await worker.workspaces()).toEqual([])
  expect(await worker.stored()).toEqual([])
}

describe('a build', () => {
  it('makes a ZIP of the repository, and says so in the words of the documents', async () => {
    const commit = await worker.repository.commit({ 'README.md': '# shop', 'src/a.ts': 'a' })
    const build = await worker.build()
    expect(build).toMatchObject({
      status: 'completed',
      commit_sha: commit,
      attempt: 1,
      error: null,
    })
    expect(statuses(build)).toEqual(['completed', 'completed'])
    const [output] = build.build_outputs
    const zip = await worker.zip(build)
    expect(output).toMatchObject({
      output_type: 'zip',
      file_size_bytes: zip.length,
      checksum_sha256: createHash('sha256').update(zip).digest('hex'),
    })
    expect(output?.file_path).toMatch(
      new RegExp(`^builds/${build.id}/outputs/1/open_webui_custom_\\d{8}_\\d{6}\\.zip$`),
    )
    const files = await readZip(zip)
    expect(files.map(({ name, content }) => [String(name), String(content)])).toEqual([
      ['README.md', '# shop'],
      ['src/a.ts', 'a'],
    ])
    const file = output?.file_path?.split('/').at(-1)
    expect(await worker.log(build.id)).toEqual([
      'Starting pipeline execution...',
      'Executing step: Clone Git Repository',
      `Cloning file://${worker.repository.directory}`,
      `Checked out branch main at ${commit}`,
      '✓ Step completed: Clone Git Repository',
      'Executing step: Create ZIP Archive',
      'Packing 2 files, 7 bytes',
      `${file}: ${zip.length} bytes, SHA-256 ${output?.checksum_sha256}`,
      '✓ Step completed: Create ZIP Archive',
      'Pipeline completed successfully. Generated 1 output(s).',
    ])
    expect(build.logs).toMatch(
      /\n\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] Starting pipeline execution\.\.\.\n/,
    )
    expect(await worker.workspaces()).toEqual([])
  })

  it('gives the same bytes for the same commit', async () => {
    await worker.repository.commit({ a: 'x'.repeat(100_000), 'b/c': 'y' })
    const [one, other] = [await worker.build(), await worker.build()]
    const sums = [one, other].map(({ build_outputs: [output] }) => output?.checksum_sha256)
    expect(sums[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(sums[1]).toBe(sums[0])
  })

  it('is downloaded as it was made', async () => {
    await worker.repository.commit({ a: 'x' })
    const build = await worker.build()
    const [output] = build.build_outputs
    const answer = await worker.app.request('GET', output?.download_url ?? '')
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload.equals(await worker.zip(build))).toBe(true)
  })

  it('keeps what opens the repository out of everything that it says and makes', async () => {
    const password = `hunter-${randomUUID()}`
    await worker.repository.commit({ a: 'x', 'b.txt': 'y' })
    const login = { username: 'bob', password }
    worker.remote = {
      url: await serveGit(worker.repository, { login }),
      login: { kind: 'password', ...login },
    }
    const build = await worker.build()
    expect(build.status).toBe('completed')
    worker.remote.login = { kind: 'password', username: 'bob', password: `${password}-wrong` }
    const denied = await worker.build()
    expect(denied).toMatchObject({ status: 'failed', failure_reason: 'step_failed' })
    expect(denied.error).toContain('access was denied')
    const said = JSON.stringify([build, denied, await readZip(await worker.zip(build))])
    expect(said).not.toContain(password)
    expect(said).not.toContain(Buffer.from(`bob:${password}`).toString('base64'))
  })

  it('comes by SSH, with a key that has a passphrase', async () => {
    await worker.repository.commit({ a: 'x' })
    const sshd = await startSshd()
    worker.remote = {
      url: sshd.url(worker.repository.directory),
      hostKeys: sshd.knownHost,
      login: { kind: 'key', privateKey: sshd.lockedKey, passphrase: sshd.passphrase },
    }
    expect((await worker.build()).status).toBe('completed')
    await sshd.changeHostKey()
    const refused = await worker.build()
    expect(refused.error).toContain('the server shows another host key than the one known of it')
  })

  it('keeps links that lead out of the tree as links, and says which', async () => {
    await symlink('/etc/passwd', join(worker.repository.directory, 'out'))
    await symlink('a', join(worker.repository.directory, 'in'))
    await worker.repository.git('add', 'out', 'in')
    await worker.repository.commit({ a: 'x' })
    const build = await worker.build()
    const entries = await readZip(await worker.zip(build))
    expect(entries.map(({ name, content }) => [String(name), String(content)])).toEqual([
      ['a', 'x'],
      ['in', 'a'],
      ['out', '/etc/passwd'],
    ])
    expect(await worker.log(build.id)).toContain(
      'Warning: links that lead out of the tree are kept as links: "out" to "/etc/passwd"',
    )
  })
})

describe('a build that cannot be', () => {
  it('ends with its first failure, and leaves nothing', async () => {
    const build = await worker.build()
    const why = `file://${worker.repository.directory} is empty: it has no commit yet`
    expect(build).toMatchObject({
      status: 'failed',
      failure_reason: 'step_failed',
      error: why,
      build_outputs: [],
    })
    expect(statuses(build)).toEqual(['failed', 'skipped'])
    expect((await worker.log(build.id)).slice(-2)).toEqual([
      `✗ Step failed: Clone Git Repository: ${why}`,
      'Pipeline execution failed.',
    ])
    await expectNothingLeft()
  })

  it('loses the ZIP that was made when the image cannot be', async () => {
    await worker.repository.commit({ Dockerfile: 'FROM scratch\n' })
    const build = await worker.build({
      steps_to_execute: ['clone_repo', 'create_zip', 'build_image'],
      output_type: 'both',
    })
    expect(build).toMatchObject({ status: 'failed', failure_reason: 'step_failed' })
    expect(statuses(build)).toEqual(['completed', 'completed', 'failed'])
    expect(build.build_outputs).toEqual([])
    await expectNothingLeft()
  })

  it('ends when a step takes longer than it may', async () => {
    await worker.repository.commit({ a: 'x' })
    worker.remote = { url: await serveGit(worker.repository, { stall: true }) }
    worker.deps.timeouts = { ...worker.deps.timeouts, clone_repo: 1_000 }
    const build = await worker.build()
    expect(build).toMatchObject({
      status: 'failed',
      failure_reason: 'timeout',
      error: 'It took longer than the 1 s that it may take',
    })
    expect(statuses(build)).toEqual(['failed', 'skipped'])
    await expectNothingLeft()
  })

  it('says that the disk is full', async () => {
    await worker.repository.commit({ a: 'x' })
    const { objects } = worker.deps
    worker.deps.objects = {
      ...objects,
      // As a file system fails.
      put: async (_key, body) => {
        if (body instanceof Readable) body.destroy()
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      },
    }
    const build = await worker.build()
    expect(build.error).toBe('The disk of the server is full')
    await expectNothingLeft()
  })

  it('shows no more of what nobody foresaw than that', async () => {
    await worker.repository.commit({ a: 'x' })
    worker.deps.objects = {
      ...worker.deps.objects,
      put: async () => Promise.reject(new Error('secret internals')),
    }
    const build = await worker.build()
    expect(build.error).toBe('Something went wrong that the log of the server tells of')
    expect(JSON.stringify([build, await worker.log(build.id)])).not.toContain('internals')
  })
})

describe('a build that is taken away', () => {
  /** Stops the attempt while the archive is written. */
  async function stopInZip(stop: () => void): Promise<void> {
    const files = Array.from({ length: 40 }, (_, n) => [`f${n}`, 'x'.repeat(200_000)] as const)
    await worker.repository.commit(Object.fromEntries(files))
    const { objects } = worker.deps
    worker.deps.objects = {
      ...objects,
      put: async (key, body, options) => {
        const chunks: Buffer[] = []
        for await (const chunk of body as Readable) {
          chunks.push(chunk as Buffer)
          if (chunks.length === 4) stop()
        }
        await objects.put(key, Buffer.concat(chunks), options)
      },
    }
  }

  it.each([
    ['cancelled', 'Pipeline execution cancelled.', true],
    ['expired', 'Pipeline execution stopped: its time is over.', true],
    ['lost', 'Packing 40 files, 8000000 bytes', false],
    ['closing', 'Packing 40 files, 8000000 bytes', false],
  ] as const)('because it is %s leaves nothing of it', async (why, last, isSealed) => {
    const stop = new AbortController()
    await stopInZip(() => stop.abort(new JobAborted(why)))
    const id = await worker.create()
    await expect(worker.attempt(stop.signal)).rejects.toThrow(`The job was aborted: ${why}`)
    expect((await worker.log(id)).at(-1)).toBe(last)
    const sealed = async () =>
      (await worker.app.builds.logs.stat(`builds/${id}/logs/build.log`))?.sealed
    await expect.poll(sealed).toBe(isSealed)
    await expectNothingLeft()
  })

  it('by whoever ended it stops when that is told', async () => {
    const { builds } = worker.deps
    let isTaken = false
    await stopInZip(() => void (isTaken = true))
    worker.deps.builds = {
      ...builds,
      reportBuildStep: async (input) => {
        if (isTaken) throw new AppError('resource_conflict', 'The build is no longer this worker’s')
        await builds.reportBuildStep(input)
      },
      completeBuild: async () => {
        throw new AppError('resource_conflict', 'The build is no longer this worker’s')
      },
    }
    await worker.create()
    await worker.attempt()
    await expectNothingLeft()
  })

  it('at its very end leaves nothing either', async () => {
    await worker.repository.commit({ a: 'x' })
    const { builds } = worker.deps
    worker.deps.builds = {
      ...builds,
      completeBuild: async ({ buildId }) => {
        expect(await worker.stored()).toHaveLength(1)
        await worker.app.request('POST', `/api/pipelines/runs/${buildId}/cancel`)
        throw new AppError('resource_conflict', 'The build is no longer this worker’s')
      },
    }
    const build = await worker.build()
    expect(build).toMatchObject({ status: 'failed', failure_reason: 'cancelled' })
    await expectNothingLeft()
  })

  it('is begun anew, behind a marker, without what the dead worker left', async () => {
    const commit = await worker.repository.commit({ a: 'x' })
    const id = await worker.create()
    const taken = await worker.app.take()
    const attempt = await taken.begin()
    const half = `builds/${id}/outputs/${attempt.number}/open_webui_custom_20240108_101500.zip`
    await worker.deps.objects.put(half, Buffer.from('half'))
    const left = await worker.deps.logs.open(attempt.logKey, { secrets: [], stampLines: true })
    await left.note('Starting pipeline execution...')
    await left.suspend()
    await taken.lose()
    await worker.attempt()
    const build = await worker.app.show(id)
    expect(build).toMatchObject({ status: 'completed', attempt: 2, commit_sha: commit })
    expect((await worker.log(id)).slice(0, 3)).toEqual([
      'Starting pipeline execution...',
      '--- attempt 2 ---',
      'Starting pipeline execution...',
    ])
    expect(build.build_outputs[0]?.file_path).toContain(`builds/${id}/outputs/2/`)
    expect(await worker.stored()).toHaveLength(1)
  })

  it('by nobody: a control plane that is away for a while is told all the same', async () => {
    await worker.repository.commit({ a: 'x' })
    const { builds } = worker.deps
    const away = new Set(['clone_repo', 'create_zip', 'end'])
    worker.deps.builds = {
      ...builds,
      reportBuildStep: async (input) => {
        if (away.delete(input.step)) throw new Error('connection lost')
        await builds.reportBuildStep(input)
      },
      completeBuild: async (input) => {
        if (away.delete('end')) throw new Error('connection lost')
        await builds.completeBuild(input)
      },
    }
    const build = await worker.build()
    expect(away.size).toBe(0)
    expect(build.status).toBe('completed')
    expect((await buffer(Readable.from([await worker.zip(build)]))).length).toBeGreaterThan(0)
  })

  it('although it may have been completed keeps its output for whoever can tell', async () => {
    await worker.repository.commit({ a: 'x' })
    const { builds } = worker.deps
    worker.deps.builds = {
      ...builds,
      // The answer to a change that was made does not arrive.
      completeBuild: async (input) => {
        await builds.completeBuild(input)
        throw new Error('connection lost')
      },
    }
    const id = await worker.create()
    await worker.attempt()
    const build = await worker.app.show(id)
    expect(build.status).toBe('completed')
    expect((await readZip(await worker.zip(build))).map(({ name }) => String(name))).toEqual(['a'])
  })
})
