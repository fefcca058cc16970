import type { Credential } from '@slipway/contract/credentials'
import { expect } from 'vitest'
import type { TestApp } from './http.ts'

export const credentialsPath = '/api/credentials'

/** Body of a credential for Git over https. */
export const gitHttps = (more: object = {}) => ({
  credential_type: 'git_https',
  credential_data: { username: 'bob', password_or_token: 'hunter2' },
  ...more,
})

/** What each type holds, as the specification lists it; that of `git_ssh` is made by the test. */
export const dataOfTypes = {
  git_https: { username: 'bob', password_or_token: 's3cret-a' },
  registry_docker_hub: { username: 'bob', access_token: 's3cret-b' },
  registry_aws_ecr: {
    aws_access_key_id: 'AKIDEXAMPLE',
    aws_secret_access_key: 's3cret-c',
    aws_session_token: 's3cret-d',
    region: 'eu-central-1',
  },
  registry_quay_io: { username: 'bob', password: 's3cret-e' },
  registry_generic: {
    username: 'bob',
    password_or_token: 's3cret-f',
    registry_url: 'https://registry.example.org',
  },
}

let serial = 0

/** Asks for a credential; one without a name gets one of its own. */
export const createCredential = (test: TestApp, body: object) =>
  test.request('POST', credentialsPath, { body: { name: `c-${++serial}`, ...body } })

/** The same, and it has to be made. */
export async function madeCredential(test: TestApp, body: object): Promise<Credential> {
  const answer = await createCredential(test, body)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ credential: Credential }>().credential
}
