import { describe, expect, it } from 'vitest'
import { readConfig } from './read-config.ts'

const refused = async (env: Record<string, string>): Promise<readonly string[]> => {
  const error: unknown = await readConfig(env).catch((reason: unknown) => reason)
  return (error as { problems?: string[] }).problems ?? []
}
const kubernetes = { SLIPWAY_EXECUTOR: 'kubernetes', KUBERNETES_VOLUME_CLAIM: 'slipway-data' }

describe('the settings of executors', () => {
  it('are those of processes where nothing is said', async () => {
    expect((await readConfig({})).executor).toEqual({
      kind: 'process',
      stepImage: null,
      kubernetes: null,
    })
  })

  it('name the image of steps that name none', async () => {
    const env = { SLIPWAY_EXECUTOR: 'docker', SLIPWAY_STEP_IMAGE: 'host:5000/tools:1@sha256:ab' }
    const { executor } = await readConfig(env)
    expect(executor).toMatchObject({ kind: 'docker', stepImage: 'host:5000/tools:1@sha256:ab' })
  })

  it('need no more than a claim for a cluster', async () => {
    const { executor } = await readConfig({ ...kubernetes, SLIPWAY_DATA_DIR: '/data' })
    expect(executor.kubernetes).toEqual({
      namespace: null,
      volumeClaim: 'slipway-data',
      volumePath: '/data',
      runAs: null,
      startTimeoutMs: 600_000,
      pullSecrets: [],
      nodeSelector: {},
      runtimeClass: null,
    })
  })

  it('can say more', async () => {
    const { executor } = await readConfig({
      ...kubernetes,
      KUBERNETES_NAMESPACE: 'ci',
      KUBERNETES_VOLUME_PATH: '/data',
      KUBERNETES_RUN_AS: '1000:2000',
      KUBERNETES_START_TIMEOUT: '90s',
      KUBERNETES_IMAGE_PULL_SECRETS: 'one, two.x',
      KUBERNETES_NODE_SELECTOR: 'disk=ssd,example.test/zone=,a=b',
      KUBERNETES_RUNTIME_CLASS: 'gvisor',
    })
    expect(executor.kubernetes).toEqual({
      namespace: 'ci',
      volumeClaim: 'slipway-data',
      volumePath: '/data',
      runAs: { uid: 1000, gid: 2000 },
      startTimeoutMs: 90_000,
      pullSecrets: ['one', 'two.x'],
      nodeSelector: { disk: 'ssd', 'example.test/zone': '', a: 'b' },
      runtimeClass: 'gvisor',
    })
  })

  it('take a group of the user’s number where none is said', async () => {
    const { executor } = await readConfig({ ...kubernetes, KUBERNETES_RUN_AS: '1000' })
    expect(executor.kubernetes?.runAs).toEqual({ uid: 1000, gid: 1000 })
  })

  it.each([
    [
      { SLIPWAY_EXECUTOR: 'podman' },
      ['SLIPWAY_EXECUTOR: must be one of process, docker, kubernetes'],
    ],
    [
      { SLIPWAY_EXECUTOR: 'kubernetes' },
      ['KUBERNETES_VOLUME_CLAIM: is needed by SLIPWAY_EXECUTOR=kubernetes'],
    ],
    [
      { SLIPWAY_STEP_IMAGE: 'tools:1' },
      [
        'SLIPWAY_STEP_IMAGE: has no meaning for SLIPWAY_EXECUTOR=process, which runs such steps on this machine',
      ],
    ],
    [
      { KUBERNETES_VOLUME_CLAIM: 'data', KUBERNETES_RUN_AS: '1' },
      [
        'KUBERNETES_VOLUME_CLAIM: has no meaning without SLIPWAY_EXECUTOR=kubernetes',
        'KUBERNETES_RUN_AS: has no meaning without SLIPWAY_EXECUTOR=kubernetes',
      ],
    ],
    [
      {
        ...kubernetes,
        SLIPWAY_STEP_IMAGE: 'an image',
        KUBERNETES_NAMESPACE: 'No_Such',
        KUBERNETES_RUN_AS: 'root',
        KUBERNETES_NODE_SELECTOR: 'ssd',
      },
      [
        'SLIPWAY_STEP_IMAGE: must be the name of an image, such as host/tools:1.0',
        'KUBERNETES_RUN_AS: must be a user id, or a user id and a group id such as 1000:1000',
        'KUBERNETES_NODE_SELECTOR: must be labels such as disk=ssd,zone=a',
        'KUBERNETES_NAMESPACE: must be lower-case letters, digits, "-" and ".", not at an end',
      ],
    ],
  ])('are refused together: %j', async (env, problems) => {
    expect(await refused(env)).toEqual(problems)
  })
})
