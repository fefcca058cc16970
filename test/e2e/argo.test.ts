// Runs that workflows go through: a real server, a stand-in cluster, and the real command line in its pods.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ArgoServer, startArgoServer } from '../support/argo-server.ts'
import { oneProject } from '../support/git-repository.ts'
import { inGroups, step } from '../support/phase-groups.ts'
import { getRun, tasksOf, waitForRun } from '../support/runs.ts'

let world: ArgoServer
beforeAll(async () => void (world = await startArgoServer()))
afterAll(() => world.close())

describe('a run with a workflow', () => {
  it('goes through its stages one by one, each dispatched by a step', async () => {
    const id = await world.begin(inGroups('true', 'true'))
    const run = await world.finish(id)
    expect(run.status).toBe('success')
    expect(run.phases.map(({ status }) => status)).toEqual(['success', 'success'])
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Succeeded')
    expect(world.dispatched(id)).toEqual([
      { asked: 'discovery', exitCode: 0 },
      { asked: 'group-1', exitCode: 0 },
      { asked: 'group-2', exitCode: 0 },
      { asked: 'Succeeded', exitCode: 0 },
    ])
    expect((await world.settled(id)).workflow).toEqual({
      name: `slipway-run-${id}`,
      status: 'ended',
    })
  })

  it('has results in what steps print, and no token in the workflow', async () => {
    const id = await world.begin(inGroups('true'))
    await world.finish(id)
    await world.waitForWorkflow(id, ({ status }) => status?.finishedAt !== undefined)
    const [discovery, group] = world.argo.pods.ended
      .filter(({ command }) => command.includes(id))
      .map(({ end }) => JSON.parse(end.out) as object)
    expect(discovery).toMatchObject({
      run_id: id,
      stage: 'discovery',
      status: 'success',
      next: 'group-1',
      groups: [
        { group: 1, stage: 'group-1', phases: ['phase1'], tasks: 1, timeout_seconds: 1_800 },
      ],
    })
    expect(group).toMatchObject({
      stage: 'group-1',
      status: 'success',
      run_status: 'success',
      phases: [{ name: 'phase1', tasks: [{ project_name: 'app', status: 'success' }] }],
    })
    expect(group).not.toHaveProperty('next')
    expect(JSON.stringify(world.workflowOf(id))).not.toContain('slw_')
  })

  it('begins nothing of a group before the step of the group asks for it', async () => {
    await world.argo.controller.stop()
    const id = await world.begin(inGroups('true'))
    await waitForRun(world.server, id, ({ workflow }) => workflow?.status === 'running')
    expect(await getRun(world.server, id)).toMatchObject({ status: 'pending', phases: [] })
    world.argo.controller.start()
    expect((await world.finish(id)).status).toBe('success')
  })

  it('fails with its step, and the workflow with it', async () => {
    const id = await world.begin(inGroups('exit 3', 'true'))
    const run = await world.finish(id)
    expect(run).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('Project app failed in phase phase1'),
    })
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Failed')
    expect(world.dispatched(id)).toEqual([
      { asked: 'discovery', exitCode: 0 },
      { asked: 'group-1', exitCode: 1 },
      { asked: 'Failed', exitCode: 0 },
    ])
    expect((await world.settled(id)).message).toBe(run.message)
  })

  it('fails in discovery where the configuration is broken', async () => {
    const id = await world.begin({ '.forge/repo.json': '{"forgeVersion": 1, "phases": 7}' })
    expect(await world.finish(id)).toMatchObject({ status: 'failed', phases: [] })
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Failed')
    expect(world.dispatched(id)[0]).toEqual({ asked: 'discovery', exitCode: 1 })
  })

  it('is done after discovery where there is nothing to do', async () => {
    const id = await world.begin({
      '.forge/repo.json': '{"forgeVersion": 1}',
      '.forge/project.json': null,
    })
    expect((await world.finish(id)).status).toBe('success')
    await world.waitForWorkflow(id, ({ status }) => status?.phase === 'Succeeded')
    expect(world.dispatched(id).map(({ asked }) => asked)).toEqual(['discovery', 'Succeeded'])
  })

  it('takes its workflow with it when it is cancelled', async () => {
    const id = await world.begin(oneProject([step('sleep 300')]))
    await world.underWay(id)
    await world.server.json('DELETE', `/v1/runs/${id}`, { expect: 204 })
    await world.waitForWorkflow(id, ({ status }) => status?.finishedAt !== undefined)
    expect(world.workflowOf(id).spec.shutdown).toBe('Terminate')
    expect(world.stageOf(id)).toBeUndefined()
    expect(await world.settled(id)).toMatchObject({ status: 'cancelled' })
  })

  it('asks the cluster for what the shipped role allows, and leaves nothing of it unused', async () => {
    await world.server.request('GET', '/health')
    const { rules, used } = world.argo.cluster
    const allowed = rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    )
    expect([...used].toSorted()).toEqual(allowed.toSorted())
  })
})

describe('a workflow that ends before its run', () => {
  it.each([
    ['terminated', 'Terminate'],
    ['stopped', 'Stop'],
  ])('cancels the run when somebody has %s it', async (_what, strategy) => {
    const id = await world.begin(oneProject([step('sleep 300')]))
    await world.underWay(id)
    const { store, namespace } = world.argo.cluster
    store.edit('workflows', namespace, `slipway-run-${id}`, ({ spec }) => {
      if (spec !== undefined) spec.shutdown = strategy
    })
    const run = await world.finish(id)
    expect(run).toMatchObject({
      status: 'cancelled',
      message: 'The workflow was stopped in Argo Workflows',
    })
    expect(tasksOf(run).map(({ status }) => status)).toEqual(['failed'])
    expect((await world.settled(id)).message).toBe(run.message)
  })

  it('cancels the run when somebody has deleted it', async () => {
    const id = await world.begin(oneProject([step('sleep 300')]))
    await world.underWay(id)
    const { store, namespace } = world.argo.cluster
    store.remove('workflows', namespace, `slipway-run-${id}`)
    expect(await world.finish(id)).toMatchObject({
      status: 'cancelled',
      message: expect.stringContaining('The workflow is gone'),
    })
    await world.settled(id)
    expect(world.argo.workflow(`slipway-run-${id}`), 'it is not made again').toBeNull()
  })

  it('fails the run when a dispatcher gives up', async () => {
    await withTemplate(
      (text) => text.replace('"--next-file"', '"--timeout","2","--next-file"'),
      async () => {
        const id = await world.begin(oneProject([step('sleep 300')]))
        expect(await world.finish(id)).toMatchObject({
          status: 'failed',
          message: expect.stringMatching(/^The workflow ended as Failed: .*exit code 124/),
        })
        expect(world.dispatched(id)).toContainEqual({ asked: 'group-1', exitCode: 124 })
      },
    )
  })

  it('fails the run when it leaves a stage out', async () => {
    await withTemplate(
      (text) => text.replaceAll('} != end', '} == never'),
      async () => {
        const id = await world.begin(inGroups('true'))
        const run = await world.finish(id)
        expect(run).toMatchObject({
          status: 'failed',
          message: 'The workflow ended before its run had',
        })
        expect(run.phases).toMatchObject([{ status: 'skipped', tasks: [{ status: 'pending' }] }])
      },
    )
  })

  it('fails the run when it cannot begin', async () => {
    await withTemplate(
      () => null,
      async () => {
        const id = await world.begin(inGroups('true'))
        expect(await world.finish(id)).toMatchObject({
          status: 'failed',
          message: expect.stringContaining('workflowtemplates.argoproj.io "slipway-run" not found'),
        })
      },
    )
  })

  /** With another template, or none, for as long as `body` takes. */
  async function withTemplate(
    change: (text: string) => string | null,
    body: () => Promise<void>,
  ): Promise<void> {
    const { store, namespace } = world.argo.cluster
    const shipped = store.remove('workflowtemplates', namespace, 'slipway-run')
    const { apiVersion, kind, spec } = shipped
    const put = (text: string) =>
      void store.create('workflowtemplates', namespace, {
        apiVersion,
        kind,
        metadata: { name: 'slipway-run' },
        spec: JSON.parse(text) as Record<string, unknown>,
      })
    const text = change(JSON.stringify(spec))
    if (text !== null) put(text)
    try {
      await body()
    } finally {
      if (text !== null) store.remove('workflowtemplates', namespace, 'slipway-run')
      put(JSON.stringify(spec))
    }
  }
})
