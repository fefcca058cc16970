import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../errors.ts'
import { createTurns, type HookDeps } from './deps.ts'
import type { RunningJob } from './find-hooked.ts'
import { withFrozenMounts } from './freeze.ts'

/** A job that puts a link into the place of its folder whenever it can. */
async function hostileJob(more: { refuse?: string } = {}) {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'slipway-freeze-')))
  onTestFinished(() => rm(root, { recursive: true }))
  const folder = join(root, '_work/folder')
  await mkdir(folder, { recursive: true })
  const paused = new Set<string>()
  const done: string[] = []
  const containers = ['job', 'service', 'ended'].map((id) => ({
    id,
    state: id === 'ended' ? 'ended' : 'running',
  }))
  const deps = {
    owner: 'here',
    log: { warn() {} },
    inTurn: createTurns(),
    host: {
      list: async () => containers,
      async pause(id: string) {
        done.push(`pause ${id}`)
        if (id === more.refuse) throw new AppError('resource_conflict', 'It has ended')
        paused.add(id)
      },
      async resume(id: string) {
        done.push(`resume ${id}`)
        paused.delete(id)
      },
    },
  } as unknown as HookDeps
  const run = { mountable: [join(root, '_work')] } as unknown as RunningJob['run']
  const job: RunningJob = { id: 'delegation', repository: 'o/r', containerId: 'job', run }
  const attack = async () => {
    if (paused.has('job') && paused.has('service')) return
    await rm(folder, { recursive: true })
    await symlink('/etc', folder)
  }
  const mounts = [{ source: folder, target: '/x' }]
  const mount = (use: (source: string | undefined) => Promise<void> = async () => {}) =>
    withFrozenMounts(
      deps,
      { job, mounts },
      async ([resolved]) => {
        await attack()
        await use(resolved?.source)
        return realpath(resolved?.source ?? '')
      },
      new AbortController().signal,
    )
  return { deps, job, folder, done, paused, mount, attack }
}

describe('withFrozenMounts', () => {
  it('mounts what was checked, whatever the job does, and lets the job go on', async () => {
    const { mount, folder, done, paused, attack } = await hostileJob()
    expect(await mount()).toBe(folder)
    expect(done).toEqual(['pause job', 'pause service', 'resume job', 'resume service'])
    expect(paused.size).toBe(0)
    await attack()
    await expect(mount()).rejects.toMatchObject({ code: 'invalid_request' })
    expect(paused.size).toBe(0)
  })

  it('lets the job go on where mounting fails', async () => {
    const { mount, paused } = await hostileJob()
    const failing = mount(() => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(paused.size).toBe(0)
  })

  it('does without the services that have ended, and not without the job', async () => {
    const job = await hostileJob({ refuse: 'job' })
    await expect(job.mount()).rejects.toMatchObject({ code: 'resource_conflict' })
    const service = await hostileJob({ refuse: 'service' })
    service.paused.add('service')
    expect(await service.mount()).toBe(service.folder)
  })

  it('does one after the other', async () => {
    const { mount, done } = await hostileJob()
    await Promise.all([mount(), mount()])
    expect(done.slice(0, 4)).toEqual(done.slice(4))
  })

  it('stops nobody where nothing is mounted', async () => {
    const { deps, job, done } = await hostileJob()
    const signal = new AbortController().signal
    const mounts = await withFrozenMounts(deps, { job, mounts: [] }, async (all) => all, signal)
    expect([mounts, done]).toEqual([[], []])
  })
})
