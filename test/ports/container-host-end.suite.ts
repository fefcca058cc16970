import { describe, expect, it } from 'vitest'
import type { ContainerHostWorld, HostFeature } from './container-host.suite.ts'

/** How containers end, and that nothing of them stays. */
export function containerHostEndSuite(
  world: () => ContainerHostWorld,
  ours: Readonly<Record<string, string>>,
  has: (feature: HostFeature) => boolean,
): void {
  describe('the end', () => {
    it('is told to whoever waited before the start, and after the end', async () => {
      const id = await world().host.create(world().spec('exit 5'), world().signal)
      const before = world().host.wait(id, world().signal)
      await world().host.start(id, { env: {} }, world().signal)
      expect(await before).toMatchObject({ exitCode: 5 })
      expect(await world().host.wait(id, world().signal)).toMatchObject({ exitCode: 5 })
    })

    it('comes by SIGTERM, and by SIGKILL to whom that is not enough', async () => {
      const polite = await world().run(
        `trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done`,
      )
      await world().host.stop(polite, 20_000)
      expect(await world().host.wait(polite, world().signal)).toMatchObject({ exitCode: 7 })
      const deaf = await world().run(`trap '' TERM; echo up; while :; do sleep 1; done`)
      await expect
        .poll(async () => (await world().host.find(deaf, world().signal))?.state)
        .toBe('running')
      await world().host.stop(deaf, 100)
      expect(await world().host.wait(deaf, world().signal)).toMatchObject({ exitCode: 137 })
      await world().host.stop(deaf, 100)
    })

    it('takes everything along that belongs to it', async () => {
      const own = has('own networks') ? { network: 'bridge' } : {}
      const id = await world().run('sleep 60', { image: world().ownCommand, ...own })
      const count = has('own networks') ? 1 : 0
      expect(await world().count()).toEqual({ containers: 1, networks: count, volumes: count })
      await Promise.all([world().host.remove(id), world().host.remove(id)])
      expect(await world().count()).toEqual({ containers: 0, networks: 0, volumes: 0 })
    })

    if (has('own networks'))
      it('by somebody else’s hand leaves a network, which is found', async () => {
        const id = await world().run('sleep 60', { network: 'bridge' })
        const other = await world().run('sleep 60', { network: 'bridge' })
        await world().removeByHand(id)
        expect(await world().count()).toMatchObject({ containers: 1, networks: 2 })
        await world().host.removeOrphans({ 'io.slipway.test': 'of others' }, world().signal)
        expect(await world().count()).toMatchObject({ networks: 2 })
        await world().host.removeOrphans(ours, world().signal)
        expect(await world().count()).toMatchObject({ containers: 1, networks: 1 })
        expect(await world().host.find(other, world().signal)).toMatchObject({ state: 'running' })
      })

    it('by somebody else’s hand is told to whoever waits', async () => {
      const id = await world().run('sleep 60')
      const ended = world().host.wait(id, world().signal)
      ended.catch(() => {})
      await world().removeByHand(id)
      const told = await ended.catch((error: unknown) => error)
      expect(told).toSatisfy(
        (end: { code?: string; reason?: string | null; exitCode?: number | null }) =>
          end.code === 'resource_not_found' || end.exitCode === 137 || end.reason !== null,
      )
    })

    if (has('own networks'))
      it('before it was told its environment is known', async () => {
        const id = await world().run('exit 125')
        expect(await world().host.wait(id, world().signal)).toMatchObject({ mayNotHaveRun: true })
        const other = await world().run('exit 1')
        expect(await world().host.wait(other, world().signal)).toMatchObject({
          mayNotHaveRun: false,
        })
      })

    it('does not come by giving up a wait', async () => {
      const id = await world().run('sleep 60')
      const cut = new AbortController()
      const waiting = world().host.wait(id, cut.signal)
      cut.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      expect(await world().host.find(id, world().signal)).toMatchObject({ state: 'running' })
    })
  })
}
