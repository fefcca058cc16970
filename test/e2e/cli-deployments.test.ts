import type { Deployment, DeploymentHistoryResponse } from '@slipway/contract/deployments'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { callCli } from '../support/call-cli.ts'
import type { CliResult } from '../support/run-cli.ts'

// The command line and a real server, with releases that were put into its database.

let world: DeploymentWorld
beforeAll(async () => {
  world = await createDeploymentWorld()
})
afterAll(() => world.close())

function cli(args: string[], token = world.server.token): Promise<CliResult> {
  return callCli(args, { env: { SLIPWAY_URL: world.server.url, SLIPWAY_TOKEN: token } })
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/
const here = ['-r', 'acme/shop']

async function activeNumber(environment: string, project: string): Promise<number> {
  const path = `/v1/deployments/${environment}/acme%2Fshop/${project}`
  return (await world.server.json<{ release_number: number }>('GET', path)).release_number
}

describe('slipway promote', () => {
  it('deploys by id and by name, and prints the id of the deployment', async () => {
    const first = await world.release({ project: 'one' })
    const byId = await cli(['deployment', 'create', first.id, '--environment', 'dev'])
    expect(byId).toMatchObject({ code: 0, out: expect.stringMatching(uuid) })
    expect(byId.err).toMatch(/Committed as [0-9a-f]{12} for dev/)
    await world.release({ project: 'one' })
    const byNumber = await cli(['promote', 'one', '2', '--to', 'dev', ...here, '--json', '--watch'])
    expect(byNumber.code, byNumber.err).toBe(0)
    const last = JSON.parse(byNumber.out.trim().split('\n').at(-1) ?? '') as Deployment
    expect(last).toMatchObject({ status: 'active', release_number: 2, environment: 'dev' })
  })

  it('takes an approval, and says that one is missing', async () => {
    const release = await world.release({ project: 'two' })
    const refused = await cli(['promote', release.id, '--to', 'production'])
    expect(refused).toMatchObject({ code: 4, out: '' })
    expect(refused.err).toContain('needs an approval')
    expect(refused.err).toContain('slipway approve PROJECT RELEASE --to production')
    const approval = await cli(['approve', release.id, '--to', 'production', '-m', 'Tested'])
    const args = ['promote', release.id, '--to', 'production', '--approval', approval.out.trim()]
    const made = await cli([...args, '--watch'])
    expect(made.code, made.err).toBe(0)
    expect(made.out).toMatch(/ active\n$/)
  })

  it('takes the approval that is there, and says whose', async () => {
    const release = await world.release({ project: 'four' })
    await cli(['approve', release.id, '--to', 'production', '-m', 'Tested well'])
    const made = await cli(['promote', release.id, '--to', 'production', '--watch'])
    expect(made.code, made.err).toBe(0)
    expect(made.err).toContain('With the approval of admin: Tested well')
  })

  it.each([
    ['three is no id of a release', ['promote', 'three', '--to', 'dev']],
    ["required option '--to, --environment <environment>'", ['promote', 'three', '1']],
  ])('asks for what it needs: %s', async (message, args) => {
    const { code, err } = await cli(args)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})

describe('slipway rollback', () => {
  it('goes back to what was active before, or to the release that is named', async () => {
    for (let n = 1; n <= 3; n++) {
      const { id } = await world.release({ project: 'back' })
      const made = await world.deploy(id)
      await world.reaches(made.id, 'active')
    }
    const back = ['rollback', 'back', '-e', 'staging', ...here]
    expect((await cli([...back, '--watch'])).code).toBe(0)
    expect(await activeNumber('staging', 'back')).toBe(2)
    expect((await cli([...back, '--watch'])).code).toBe(0)
    expect(await activeNumber('staging', 'back')).toBe(1)
    const nowhere = await cli(back)
    expect(nowhere.code).toBe(4)
    expect(nowhere.err).toContain('No older release of back than #1 was ever active in staging')
    const forward = await cli(['deployment', ...back, '--to', '3', '--watch'])
    expect(forward.code, forward.err).toBe(0)
    expect(await activeNumber('staging', 'back')).toBe(3)
    const history = await cli(['deployments', 'history', 'back', '-e', 'staging', ...here])
    expect(history.out).toContain('#2 (back)')
  })

  it('says that there is nothing to go back to', async () => {
    const { code, err } = await cli(['rollback', 'never', '-e', 'staging', ...here])
    expect(code).toBe(4)
    expect(err).toContain('Nothing of never was ever deployed to staging')
  })
})

describe('slipway deployments', () => {
  it('lists, shows what is active, and the history in pages', async () => {
    const ids: string[] = []
    for (let n = 1; n <= 2; n++) {
      const { id } = await world.release({ project: 'listed' })
      const made = await world.deploy(id, 'dev')
      await world.reaches(made.id, 'active')
      ids.push(made.id)
    }
    const list = await cli(['deployment', 'list', '-p', 'listed', '--status', 'active'])
    expect(list.code).toBe(0)
    expect(list.out).toMatch(/^DEPLOYMENT +STATUS +ENVIRONMENT/)
    expect(list.out).toContain(ids[1])
    expect(list.out).not.toContain(ids[0])
    const shown = await cli(['deployment', 'show', ids[1] ?? ''])
    expect(shown.out).toMatch(/^acme\/shop\/listed in dev\nstatus +active\nrelease +#2 /)
    const watched = await cli(['deployment', 'watch', ids[1] ?? ''])
    expect(watched).toMatchObject({ code: 0, out: `${ids[1]} active\n` })
    const current = await cli(['deployment', 'current', 'listed', '-e', 'dev', ...here])
    expect(current.out).toMatch(/^listed in dev\nrelease +#2 /)
    expect(current.out).toContain(ids[1])
    const history = ['deployments', 'history', 'listed', '-e', 'dev', ...here]
    const page = await cli([...history, '-n', '1'])
    expect(page.out).toContain(ids[1])
    expect(page.err).toContain('1 of 2; go on with --offset 1')
    const json = await cli([...history, '--json'])
    const { deployments, total } = JSON.parse(json.out) as DeploymentHistoryResponse
    expect(total).toBe(2)
    expect(deployments.map(({ status }) => status)).toEqual(['active', 'superseded'])
  })

  it('says where nothing is', async () => {
    const none = await cli(['deployments', 'list', '-p', 'nothing'])
    expect(none).toMatchObject({ code: 0, out: '' })
    expect(none.err).toContain('slipway promote')
    const current = await cli(['deployments', 'current', 'nothing', '-e', 'dev', ...here])
    expect(current.code).toBe(4)
    expect(current.err).toContain('Nothing of acme/shop/nothing is active in dev')
  })
})
