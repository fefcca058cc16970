import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../packages/server/src/errors.ts'
import { settleDeployments } from '../../packages/server/src/deployments/index.ts'
import { createDeploymentRoom, type DeploymentRoom } from '../support/deployment-room.ts'
import { blockAt, setHook } from '../support/gitops-repository.ts'

// A remote that takes a commit and does not say so.

let room: DeploymentRoom
beforeEach(async () => {
  room = await createDeploymentRoom({ deadlineMs: 1_500 })
})
afterEach(() => room.close())

const settle = () => settleDeployments(room.deps, new AbortController().signal)
const states = async () => (await room.rows()).map(({ status }) => status)
const open = {
  code: 'internal_error',
  message: expect.stringMatching(/did not answer within 1\.5 s\. .* unless the commit/),
  details: { reason: 'gitops_commit_failed', deployment_id: expect.any(String) },
}

describe('a remote that hangs', () => {
  it('before it has taken the commit: nothing is visible, and it never arrives', async () => {
    const hook = await blockAt(room.remote, 'pre-receive')
    await expect(room.deploy()).rejects.toMatchObject(open)
    expect(await states()).toEqual(['preparing'])
    await settle()
    expect(await states()).toEqual([])
    await hook.letGo()
    const made = await room.deploy()
    const messages = await room.remote.messages()
    expect(messages).toHaveLength(2)
    expect(messages[0]).toContain(`Slipway-Deployment: ${made.id}`)
    expect(messages[1]).toContain('Slipway-Withdrawn: ')
  })

  it('when it has taken the commit: the deployment appears once that is found out', async () => {
    const hook = await blockAt(room.remote, 'post-receive')
    await expect(room.deploy()).rejects.toMatchObject(open)
    await hook.letGo()
    await settle()
    expect(await states()).toEqual(['pending'])
    const { rows } = await room.database.pool.query(
      `select 1 from events where event_type = 'deployment.created'`,
    )
    expect(rows).toHaveLength(1)
    expect(await room.remote.messages()).toHaveLength(1)
    await settle()
    expect(await states()).toEqual(['pending'])
  })

  it('leaves what is open as it is while it cannot be asked', async () => {
    const hook = await blockAt(room.remote, 'pre-receive')
    await expect(room.deploy()).rejects.toMatchObject(open)
    await setHook(room.remote, 'pre-receive', 'exit 1')
    await expect(settle()).rejects.toThrow(/pre-receive hook declined/)
    expect(await states()).toEqual(['preparing'])
    await hook.letGo()
    await setHook(room.remote, 'pre-receive', null)
    await settle()
    expect(await states()).toEqual([])
  })

  it('keeps those behind it waiting no longer than their own deadline', async () => {
    const hook = await blockAt(room.remote, 'pre-receive')
    const first = room.deploy({ project: 'first' })
    await hook.reached()
    const others = ['second', 'third'].map((project) => room.deploy({ project }))
    const answers = await Promise.allSettled([first, ...others])
    expect(answers.map(({ status }) => status)).toContain('rejected')
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        expect(answer.reason).toMatchObject({ code: 'internal_error' })
      }
    }
    await hook.letGo()
    await settle()
    expect(new Set(await states()).size).toBeLessThanOrEqual(1)
    const there = (await room.rows()).map(({ id }) => id)
    const made = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [answer.value.id] : [],
    )
    // Of one that was cut off at its push nobody could say whether it would arrive.
    const unsure = answers.flatMap((answer) => {
      const reason: unknown = answer.status === 'rejected' ? answer.reason : null
      return reason instanceof AppError ? [reason.details?.['deployment_id']] : []
    })
    expect(there).toEqual(expect.arrayContaining(made))
    expect([...made, ...unsure]).toEqual(expect.arrayContaining(there))
  })
})
