import type { ContainerRegistry } from '@slipway/contract/registries'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { madeCredential } from '../support/credentials.ts'
import { createVaultApp } from '../support/vault-app.ts'
import { waitingStatements } from '../support/waiting-statements.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
beforeAll(async () => void (test = await createVaultApp()))
afterAll(() => test.close())

const path = '/api/registries'
let serial = 0
const create = (more: object = {}) =>
  test.request('POST', path, {
    body: {
      name: `r-${++serial}`,
      registry_type: 'generic',
      registry_url: 'registry.example.org:5000',
      ...more,
    },
  })
async function made(): Promise<ContainerRegistry> {
  const answer = await create()
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ registry: ContainerRegistry }>().registry
}
const change = (id: number, body: object) => test.request('PUT', `${path}/${id}`, { body })
const show = async (id: number) => (await test.request('GET', `${path}/${id}`)).json().registry
const login = () =>
  madeCredential(test, {
    credential_type: 'registry_generic',
    credential_data: { username: 'bob', password_or_token: 'x' },
  })

describe('changes at the same time', () => {
  it('do not put back what the other one changed', async () => {
    const { id } = await made()
    const answers = await test.database.db.transaction().execute(async (trx) => {
      await sql`select 1 from container_registries where id = ${id} for update`.execute(trx)
      const changes = [
        change(id, { registry_url: 'other.example.org' }),
        change(id, { description: 'ours' }),
        change(id, { archived: true }),
      ]
      await waitingStatements(test.database.db, changes.length)
      return changes
    })
    for (const answer of await Promise.all(answers)) expect(answer.statusCode).toBe(200)
    expect(await show(id)).toMatchObject({
      registry_url: 'other.example.org',
      description: 'ours',
      archived: true,
    })
  })

  it('answer 404 where the credential is deleted meanwhile', async () => {
    const { id: credential_id } = await login()
    const { id } = await made()
    const answers = await test.database.db.transaction().execute(async (trx) => {
      await sql`delete from credentials where id = ${credential_id}`.execute(trx)
      const requests = [create({ credential_id }), change(id, { credential_id })]
      await waitingStatements(test.database.db, requests.length)
      return requests
    })
    for (const answer of await Promise.all(answers)) {
      expect([answer.statusCode, answer.json()]).toEqual([
        404,
        { error: 'Resource not found', message: `There is no credential ${credential_id}` },
      ])
    }
  })
})
