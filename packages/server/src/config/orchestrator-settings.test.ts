import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from './read-config.ts'

const read = async (env: NodeJS.ProcessEnv) => (await readConfig(env)).orchestrator
async function problems(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const error = await readConfig(env).catch((reason: unknown) => reason)
  return error instanceof ConfigError ? error.problems : []
}

describe('settings of the orchestrator', () => {
  it('has the server orchestrate, if nobody says otherwise', async () => {
    expect(await read({})).toEqual({ kind: 'server' })
    expect(await read({ SLIPWAY_ORCHESTRATOR: 'server' })).toEqual({ kind: 'server' })
  })

  it('needs no more than an address for Argo Workflows', async () => {
    const env = { SLIPWAY_ORCHESTRATOR: 'argo', SLIPWAY_PUBLIC_URL: 'https://slipway.test/' }
    expect(await read(env)).toEqual({
      kind: 'argo',
      namespace: null,
      template: 'slipway-run',
      serverUrl: 'https://slipway.test',
      image: null,
      tokenSecret: null,
    })
  })

  it('takes an address for dispatchers alone, and all that the template may leave open', async () => {
    expect(
      await read({
        SLIPWAY_ORCHESTRATOR: 'argo',
        SLIPWAY_PUBLIC_URL: 'https://slipway.test',
        ARGO_SERVER_URL: 'http://slipway.ci.svc:3000',
        ARGO_NAMESPACE: 'ci-runs',
        ARGO_WORKFLOW_TEMPLATE: 'ours',
        ARGO_DISPATCHER_IMAGE: 'registry.test:5000/slipway:1.0@sha256:abc',
        ARGO_TOKEN_SECRET: 'dispatchers',
      }),
    ).toEqual({
      kind: 'argo',
      namespace: 'ci-runs',
      template: 'ours',
      serverUrl: 'http://slipway.ci.svc:3000',
      image: 'registry.test:5000/slipway:1.0@sha256:abc',
      tokenSecret: 'dispatchers',
    })
  })

  it.each([
    [{ SLIPWAY_ORCHESTRATOR: 'jenkins' }, ['SLIPWAY_ORCHESTRATOR: must be server or argo']],
    [
      { SLIPWAY_ORCHESTRATOR: 'argo' },
      ['ARGO_SERVER_URL: SLIPWAY_ORCHESTRATOR=argo needs it, or SLIPWAY_PUBLIC_URL'],
    ],
    [
      { ARGO_NAMESPACE: 'ci', ARGO_TOKEN_SECRET: 'x' },
      [
        'ARGO_NAMESPACE: has no meaning without SLIPWAY_ORCHESTRATOR=argo',
        'ARGO_TOKEN_SECRET: has no meaning without SLIPWAY_ORCHESTRATOR=argo',
      ],
    ],
    [
      {
        SLIPWAY_ORCHESTRATOR: 'argo',
        ARGO_SERVER_URL: 'https://a.test',
        ARGO_NAMESPACE: 'No_Such',
        ARGO_DISPATCHER_IMAGE: 'an image',
      },
      [
        'ARGO_NAMESPACE: must be up to 63 lower-case letters, digits and "-", not at an end',
        'ARGO_DISPATCHER_IMAGE: must be the name of an image, such as host/slipway:1.0',
      ],
    ],
  ])('refuses %j', async (env, expected) => {
    expect(await problems(env)).toEqual(expected)
  })
})
