import { expect, it } from 'vitest'
import type { ContainerHostWorld, HostFeature } from './container-host.suite.ts'

/** That what a host does not do is refused, and not done half. */
export function containerHostLacksSuite(
  world: () => ContainerHostWorld,
  lacks: readonly HostFeature[],
): void {
  const has = (feature: HostFeature) => !lacks.includes(feature)
  if (lacks.length > 0)
    it('says clearly what it does not do', async () => {
      const { host, signal } = world()
      const refused = { code: 'invalid_request' }
      const command = { argv: ['true'] as const, env: {}, workdir: null, user: null }
      const id = await world().run('sleep 60')
      const asked: readonly [HostFeature, () => Promise<unknown>][] = [
        ['further commands', () => host.exec(id, command, { write() {} }, signal)],
        ['pause', () => host.pause(id, signal)],
        ['measure', () => host.measure(id, signal)],
        ['rename', () => host.rename(id, 'other', signal)],
        ['own command', () => host.create(world().spec('', { command: null }), signal)],
      ]
      for (const [feature, ask] of asked) {
        if (!has(feature)) await expect(ask(), feature).rejects.toMatchObject(refused)
      }
      const all = world().spec('true', {
        mounts: [{ source: '/srv', target: '/srv', readOnly: true }],
        network: 'bridge',
        limits: { memoryBytes: null, cpus: null, pids: 100, diskBytes: null },
      })
      const problems = [
        ['mounts', 'directories of a host'],
        ['own networks', 'network is one of'],
        ['pids limit', 'number of processes'],
      ] as const
      for (const [feature, said] of problems) {
        if (has(feature)) continue
        await expect(host.create(all, signal)).rejects.toMatchObject({
          ...refused,
          message: expect.stringContaining(said),
        })
      }
      // Whoever goes on with a job lets all of it go on.
      await host.resume(id)
    })
}
