// Runs that workflows go through, when one of those who take part is away, killed or started again.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ArgoServer, startArgoServer } from '../support/argo-server.ts'
import { oneProject } from '../support/git-repository.ts'
import { inGroups, step } from '../support/phase-groups.ts'
import { tasksOf, waitForRun } from '../support/runs.ts'

let world: ArgoServer
beforeAll(async () => void (world = await startArgoServer()))
afterAll(() => world.close())

// Servers and clusters are started anew in these.
describe('when something is away', { timeout: 90_000 }, () => {
  it('has runs wait for the cluster, and says why', async () => {
    const { cluster } = world.argo
    await cluster.stop()
    const id = await world.begin(inGroups('true'))
    const waiting = await waitForRun(
      world.server,
      id,
      ({ workflow }) => workflow?.message !== undefined,
    )
    expect(waiting).toMatchObject({
      status: 'pending',
      workflow: { status: 'waiting', message: expect.stringContaining('ECONNREFUSED') },
    })
    const health = await world.server.request('GET', '/health')
    expect(await health.json()).toMatchObject({
      status: 'degraded',
      checks: { orchestrator: 'fail' },
    })
    expect((await world.server.request('GET', '/readyz')).status).toBe(200)
    await cluster.start()
    expect((await world.finish(id)).status).toBe('success')
  })

  it('goes on with a run whose cluster was away meanwhile', async () => {
    const id = await world.begin(inGroups('sleep 2', 'true'))
    await world.underWay(id)
    await world.argo.cluster.stop()
    expect((await world.finish(id)).status).toBe('success')
    await world.argo.cluster.start()
    await world.settled(id)
  })

  it('waits again for a stage whose dispatcher was killed, and runs nothing of it twice', async () => {
    const id = await world.begin(oneProject([step('sleep 3')]))
    await world.underWay(id)
    const pod = world.argo.pods.running().find(({ command }) => command.includes(id))
    world.argo.pods.kill(pod?.id ?? '', 'SIGKILL')
    const run = await world.finish(id)
    expect(run.status).toBe('success')
    expect(tasksOf(run)).toMatchObject([{ attempt: 1 }])
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Succeeded')
    expect(world.dispatched(id).filter(({ asked }) => asked === 'group-1')).toEqual([
      { asked: 'group-1', exitCode: 137 },
      { asked: 'group-1', exitCode: 0 },
    ])
  })

  it('loses nothing when the server is killed and started again', async () => {
    const id = await world.begin(inGroups('sleep 2', 'true'))
    await world.underWay(id)
    await world.server.kill()
    await world.server.restart()
    expect((await world.finish(id)).status).toBe('success')
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Succeeded')
  })

  it('notices after its start what became of workflows meanwhile', async () => {
    const id = await world.begin(oneProject([step('sleep 300')]))
    await world.underWay(id)
    await world.server.kill()
    const { store, namespace } = world.argo.cluster
    store.remove('workflows', namespace, `slipway-run-${id}`)
    await world.server.restart()
    expect((await world.finish(id)).status).toBe('cancelled')
  })

  it('loses nothing when the controller is started again', async () => {
    const id = await world.begin(inGroups('sleep 2', 'true'))
    await world.underWay(id)
    await world.argo.controller.stop()
    world.argo.controller.start()
    expect((await world.finish(id)).status).toBe('success')
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Succeeded')
    expect(world.dispatched(id).map(({ asked }) => asked)).toEqual([
      'discovery',
      'group-1',
      'group-2',
      'Succeeded',
    ])
  })

  it('has the server go on alone with runs that wait, once it is told to', async () => {
    await world.argo.cluster.stop()
    const id = await world.begin(inGroups('true', 'true'))
    await waitForRun(world.server, id, ({ workflow }) => workflow?.message !== undefined)
    await world.server.stop()
    await world.server.restart({ SLIPWAY_ORCHESTRATOR: 'server', ARGO_SERVER_URL: '' })
    const run = await world.finish(id)
    expect(run).toMatchObject({
      status: 'success',
      workflow: { status: 'ended', message: 'The server has taken over' },
    })
  })
})
