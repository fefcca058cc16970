import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../packages/server/src/errors.ts'
import { startBuildDuties } from '../../packages/server/src/builds/index.ts'
import { quietLog } from '../support/quiet-log.ts'
import { type BuildsApp, createBuildsApp, someImage, storeZip } from '../support/builds-app.ts'
import { keptFor } from '../support/kept-times.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

const startDuties = () =>
  startBuildDuties(
    { ...test.builds, log: quietLog, holder: crypto.randomUUID() },
    { home: 'here', retention: keptFor({ runsMs: 90 * 86_400_000, logsMs: 1e9 }) },
  )
const content = Buffer.from('a zip')
const cleanUp = (token?: string) =>
  test.request('POST', '/api/pipelines/cleanup', token === undefined ? {} : { token })
const expireAll = () =>
  test.database.pool.query(
    `update build_outputs set expires_at = now() - interval '1 s' where expires_at is not null`,
  )
const image = (name: string, digest: string | null = null) =>
  test.built(
    { steps_to_execute: ['clone_repo', 'build_image'], output_type: 'docker_image' },
    () => [someImage(name, digest)],
  )
const zip = (over = {}) =>
  test.built(over, async (attempt) => [await storeZip(test, attempt, content)])

describe('POST /api/pipelines/cleanup', () => {
  it('removes what has expired, and answers as the document shows it', async () => {
    const kept = await zip()
    const repositories = [await zip(), await zip(), await zip()]
    await image('a:1')
    await image('a:2')
    await image('r.test/a:3', 'sha256:pushed')
    await expireAll()
    await test.database.pool.query(
      `update build_outputs set expires_at = now() + interval '1 h' where build_id = $1`,
      [kept.id],
    )
    const answer = await cleanUp()
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        success: true,
        cleanup_result: { total_cleaned: 5, files_cleaned: 3, images_cleaned: 2, failed: 0 },
      },
    ])
    expect(test.removedImages).toEqual(['a:1', 'a:2'])
    const key = (build: typeof kept) => build.build_outputs[0]?.file_path ?? ''
    expect(await test.builds.objects.head(key(kept))).not.toBeNull()
    for (const build of repositories) {
      expect(await test.builds.objects.head(key(build))).toBeNull()
      // The build still says that there was something.
      const [output] = (await test.show(build.id)).build_outputs
      expect(output?.download_url).toBeUndefined()
      expect(output?.checksum_sha256).toMatch(/^[0-9a-f]{64}$/)
    }
    expect((await cleanUp()).json().cleanup_result.total_cleaned).toBe(0)
  })

  it('leaves for the next time what cannot be removed', async () => {
    let isAway = true
    const removed: string[] = []
    test.builds.images.remove = async (name) => {
      if (isAway) throw new Error('no engine')
      return removed.push(name) > 0
    }
    await image('a:1')
    await zip()
    await expireAll()
    expect((await cleanUp()).json().cleanup_result).toEqual({
      total_cleaned: 1,
      files_cleaned: 1,
      images_cleaned: 0,
      failed: 1,
    })
    isAway = false
    expect((await cleanUp()).json().cleanup_result).toMatchObject({ images_cleaned: 1, failed: 0 })
    expect(removed).toEqual(['a:1'])
  })

  it('takes no image away from a younger build', async () => {
    const sameName = await image('a:1')
    await test.database.pool.query(
      `update build_outputs set image_id = 'sha256:older' where build_id = $1`,
      [sameName.id],
    )
    const sameImage = await image('b:1')
    await expireAll()
    await image('a:1')
    await image('b:1')
    expect((await cleanUp()).json().cleanup_result).toMatchObject({ images_cleaned: 2 })
    // The name is another image's now; the older one goes by its id. The other is still in use.
    expect(test.removedImages).toEqual(['sha256:older'])
    expect(sameImage.status).toBe('completed')
  })

  it('takes no image away that somebody else has given the name', async () => {
    const older = await image('a:1')
    await expireAll()
    test.builds.images.find = async () => ({ id: 'sha256:theirs', names: ['a:1'], labels: {} })
    expect((await cleanUp()).json().cleanup_result).toMatchObject({ images_cleaned: 1, failed: 0 })
    expect(older.status).toBe('completed')
    expect(test.removedImages).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/)])
  })

  it('needs builds:manage, and touches only what the token may see', async () => {
    await test.repository('acme/mine')
    const id = await test.repository('acme/other')
    await zip({ git_repository_id: id })
    await expireAll()
    const developer = await test.tokenFor(['developer'])
    expect((await cleanUp(developer)).statusCode).toBe(403)
    const mine = await test.tokenFor(['operator'], { repositories: ['acme/mine'] })
    expect((await cleanUp(mine)).json().cleanup_result.total_cleaned).toBe(0)
    const theirs = await test.tokenFor(['operator'], { repositories: ['acme/other'] })
    expect((await cleanUp(theirs)).json().cleanup_result.total_cleaned).toBe(1)
  })
})

describe('what the server does by itself', () => {
  it('removes what has expired, and what dead attempts left', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const dead = await test.take()
    const orphan = await storeZip(test, await dead.begin(), content)
    await dead.lose()
    const alive = await test.take()
    const made = await storeZip(test, await alive.begin(), content)
    await alive.complete({ status: 'completed', outputs: [made] })
    const running = await test.create()
    await test.execute(running.id)
    const atWork = await storeZip(test, await (await test.take()).begin(), content)
    await test.database.pool.query(`update builds set completed_at = now() - interval '1 h'
      where completed_at is not null`)
    const expired = await zip()
    await test.database.pool.query(
      `update build_outputs set expires_at = now() where build_id = $1`,
      [expired.id],
    )
    const duties = startDuties()
    const isThere = async (output: typeof made) =>
      output.type === 'zip' && (await test.builds.objects.head(output.objectKey)) !== null
    try {
      await expect.poll(() => isThere(orphan), { timeout: 10_000 }).toBe(false)
      const gone = expired.build_outputs[0]?.file_path ?? ''
      await expect.poll(() => test.builds.objects.head(gone)).toBeNull()
    } finally {
      await duties.close()
    }
    expect([await isThere(made), await isThere(atWork)]).toEqual([true, true])
  })

  it('removes the image of a build whose last worker died', async () => {
    const { id } = await test.create({
      steps_to_execute: ['clone_repo', 'build_image'],
      output_type: 'docker_image',
    })
    await test.execute(id)
    await (await test.take()).begin()
    await test.request('POST', `/api/pipelines/runs/${id}/cancel`)
    const { rows } = await test.database.pool.query<{ job_id: string }>(
      `update builds set completed_at = now() - interval '1 h' returning job_id`,
    )
    const label = `io.slipway.job=${rows[0]?.job_id}`
    test.builds.images.list = async (wanted) =>
      wanted === label ? [{ id: 'sha256:left', names: [], labels: {} }] : []
    const duties = startDuties()
    try {
      await expect.poll(() => test.removedImages, { timeout: 10_000 }).toEqual(['sha256:left'])
    } finally {
      await duties.close()
    }
  })

  it('goes on where something cannot be removed', async () => {
    const orphans: string[] = []
    for (let count = 0; count < 2; count++) {
      const { id } = await test.create()
      await test.execute(id)
      const taken = await test.take()
      const orphan = await storeZip(test, await taken.begin(), content)
      if (orphan.type === 'zip') orphans.push(orphan.objectKey)
      await taken.complete({ status: 'failed', reason: 'step_failed', error: 'no' })
    }
    await test.database.pool.query(`update builds set completed_at = now() - interval '1 h'`)
    const [stuck = '', free = ''] = orphans
    const { deletePrefix } = test.builds.objects
    test.builds.objects.deletePrefix = async (prefix) => {
      if (stuck.startsWith(prefix)) throw new Error('the disk says no')
      return deletePrefix(prefix)
    }
    const duties = startDuties()
    try {
      await expect.poll(() => test.builds.objects.head(free), { timeout: 10_000 }).toBeNull()
    } finally {
      await duties.close()
    }
    expect(await test.builds.objects.head(stuck)).not.toBeNull()
  })

  it('seals the log of a build whose worker died in its last attempt', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const { logKey } = await (await test.take()).begin()
    const writer = await test.builds.logs.open(logKey, { secrets: [], stampLines: true })
    await writer.note('Starting pipeline execution...')
    await writer.suspend()
    const cancelled = await test.request('POST', `/api/pipelines/runs/${id}/cancel`)
    expect(cancelled.statusCode).toBe(200)
    await test.database.pool.query(`update builds set completed_at = now() - interval '1 h'`)
    const duties = startDuties()
    try {
      await expect
        .poll(async () => (await test.builds.logs.stat(logKey))?.sealed, { timeout: 10_000 })
        .toBe(true)
    } finally {
      await duties.close()
    }
  })
})

describe('images at the engines of workers', () => {
  const idsOf = async () => {
    const { rows } = await test.database.pool.query<{ id: number; job_id: string }>(
      'select id, job_id from builds',
    )
    return new Map(rows.map((row) => [row.id, row.job_id]))
  }

  it('are not needed once they have expired, are pushed or came to nothing, some time after the end', async () => {
    const [kept, expired, pushed] = [
      await image('a:1'),
      await image('a:2'),
      await image('r.test/a:3', 'sha256:pushed'),
    ]
    const jobs = await idsOf()
    const jobOf = ({ id }: { id: number }) => jobs.get(id) ?? ''
    const all = [...jobs.values(), crypto.randomUUID()]
    expect(await test.control.findUnneededImages(all)).toEqual([])
    await test.database.pool.query(`update builds set completed_at = now() - interval '11 minutes'`)
    await test.database.pool.query(
      `update build_outputs set expires_at = now() - interval '1 s' where build_id = $1`,
      [expired.id],
    )
    const unneeded = await test.control.findUnneededImages(all)
    expect(new Set(unneeded)).toEqual(new Set([jobOf(expired), jobOf(pushed)]))
    expect(unneeded).not.toContain(jobOf(kept))
    expect(await test.control.findUnneededImages([])).toEqual([])
  })

  it('keep no build that this server cannot reach the engine of', async () => {
    await image('a:1')
    await expireAll()
    const away = new AppError('unavailable', 'no engine')
    test.builds.images.find = () => Promise.reject(away)
    expect((await cleanUp()).json().cleanup_result).toMatchObject({ total_cleaned: 0, failed: 1 })
    await test.database.pool.query(`update build_outputs set expires_at = now() - interval '25 h'`)
    expect((await cleanUp()).json().cleanup_result).toMatchObject({ total_cleaned: 1, failed: 0 })
  })
})
