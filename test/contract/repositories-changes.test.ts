import type { Repository } from '@slipway/contract/repositories'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { madeCredential } from '../support/credentials.ts'
import { waitingStatements } from '../support/waiting-statements.ts'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
beforeAll(async () => void (test = await createVaultApp()))
afterAll(() => test.close())

const path = '/api/repositories'
/** Nobody answers there. */
const repository_url = 'http://127.0.0.1:1/x.git'
const create = (name: string, more: object = {}) =>
  test.request('POST', path, { body: { name, repository_url, ...more } })
async function made(name: string): Promise<Repository> {
  const answer = await create(name)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ repository: Repository }>().repository
}
const login = () =>
  madeCredential(test, {
    credential_type: 'git_https',
    credential_data: { username: 'bob', password_or_token: 'x' },
  })

it('sends no credential that it gets meanwhile where a limited token says', async () => {
  const { id } = await made('acme/mine')
  const { id: credential_id } = await login()
  const token = await test.tokenFor(['operator'], { repositories: ['acme/mine'] })
  const moved = await test.database.db.transaction().execute(async (trx) => {
    await sql`update repositories set credential_id = ${credential_id} where id = ${id}`.execute(
      trx,
    )
    const body = { repository_url: 'http://127.0.0.1:2/elsewhere.git' }
    const answer = test.request('PUT', `${path}/${id}`, { body, token })
    await waitingStatements(test.database.db, 1)
    return [answer]
  })
  expect((await moved[0])?.statusCode).toBe(403)
  const { repository } = (await test.request('GET', `${path}/${id}`)).json()
  expect(repository).toMatchObject({ repository_url, credential_id })
})

it('answers 404 where the credential is deleted meanwhile', async () => {
  const { id } = await made('acme/shop')
  const { id: credential_id } = await login()
  const answers = await test.database.db.transaction().execute(async (trx) => {
    await sql`delete from credentials where id = ${credential_id}`.execute(trx)
    const requests = [
      create('acme/web', { credential_id }),
      test.request('PUT', `${path}/${id}`, { body: { credential_id } }),
    ]
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
