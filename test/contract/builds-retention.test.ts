import type { Build } from '@slipway/contract/builds'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startBuildDuties } from '../../packages/server/src/builds/index.ts'
import {
  type BuildsApp,
  createBuildsApp,
  runsPath,
  someImage,
  storeZip,
} from '../support/builds-app.ts'
import { quietLog } from '../support/quiet-log.ts'
import { keptFor } from '../support/kept-times.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

const dayMs = 86_400_000

async function zip(): Promise<Build> {
  return test.built({}, async (attempt) => {
    const writer = await test.builds.logs.open(attempt.logKey, { secrets: [] })
    await writer.note('[2024-01-08T10:00:00.000Z] Starting pipeline execution...')
    await writer.seal()
    return [await storeZip(test, attempt, Buffer.from('zip'))]
  })
}

/** Sets the builds' clock back. */
async function age(builds: readonly { id: number }[], days: number): Promise<void> {
  const ids = builds.map(({ id }) => id)
  const ago = `interval '${days} days'`
  const { pool } = test.database
  await pool.query(
    `update builds set started_at = started_at - ${ago}, completed_at = completed_at - ${ago}
      where id = any($1)`,
    [ids],
  )
  await pool.query(
    `update build_outputs set expires_at = expires_at - ${ago} where build_id = any($1)`,
    [ids],
  )
}

const statusOf = async (id: number) => (await test.request('GET', `${runsPath}/${id}`)).statusCode
const logOf = (id: number) => test.builds.logs.stat(`builds/${id}/logs/build.log`)

/** Until `id` is gone. */
async function runDuties(id: number): Promise<void> {
  const duties = startBuildDuties(
    { ...test.builds, log: quietLog, holder: crypto.randomUUID() },
    { home: 'here', retention: keptFor({ runsMs: 90 * dayMs, logsMs: 7 * dayMs }) },
  )
  try {
    await expect.poll(() => statusOf(id), { timeout: 10_000 }).toBe(404)
  } finally {
    await duties.close()
  }
}

it('deletes builds that ended long ago, with their logs and outputs, and no others', async () => {
  const running = await test.create()
  await test.execute(running.id)
  await (await test.take()).begin()
  const waiting = await test.create()
  const young = await zip()
  const pushed = await test.built(
    { steps_to_execute: ['clone_repo', 'build_image'], output_type: 'docker_image' },
    () => [someImage('r.test/a:1', 'sha256:pushed')],
  )
  const old = await zip()
  await age([pushed, old, running, waiting], 91)
  await age([young], 89)
  await runDuties(old.id)
  expect(await statusOf(pushed.id)).toBe(404)
  expect(await logOf(old.id)).toBeNull()
  expect(await test.builds.objects.head(old.build_outputs[0]?.file_path ?? '')).toBeNull()
  expect(await logOf(young.id)).not.toBeNull()
  for (const { id } of [running, waiting, young]) expect(await statusOf(id)).toBe(200)
})

it('keeps a build of which something could not be removed, and one whose log could not', async () => {
  const image = await test.built(
    { steps_to_execute: ['clone_repo', 'build_image'], output_type: 'docker_image' },
    () => [someImage('a:1')],
  )
  test.builds.images.remove = async () => {
    throw new Error('no engine')
  }
  const stuck = await zip()
  const last = await zip()
  const { deletePrefix } = test.builds.logs
  test.builds.logs.deletePrefix = async (prefix) => {
    if (prefix.startsWith(`builds/${stuck.id}/`)) throw new Error('the disk says no')
    return deletePrefix(prefix)
  }
  await age([image, stuck, last], 91)
  await runDuties(last.id)
  expect([await statusOf(image.id), await statusOf(stuck.id)]).toEqual([200, 200])
})
