import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError, readConfig } from './read-config.ts'

async function classesOf(classes: readonly object[], env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-config-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'slipway.yaml')
  const all = classes.map((each) => ({
    name: 'pods',
    labels: ['pods'],
    image: 'runner:1',
    ...each,
  }))
  await writeFile(path, JSON.stringify({ runners: { classes: all } }))
  try {
    return (await readConfig({ SLIPWAY_CONFIG: path, ...env })).runnerClasses
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => problem.replace(/^.*runners\.classes\[0\]\./, ''))
  }
}

const cluster = { KUBECONFIG: '/etc/kubeconfig' }
const executor = 'kubernetes'

describe('executor: kubernetes of a runner class', () => {
  it('has defaults that are safe: no root, nothing in the cluster, limits that a cluster knows', async () => {
    expect(await classesOf([{ executor }], cluster)).toEqual([
      expect.objectContaining({
        executor,
        network: 'internet',
        limits: expect.objectContaining({ pids: null, memoryBytes: null }),
        pods: {
          runAs: 'image',
          nodeSelector: {},
          runtimeClass: null,
          pullSecrets: [],
          startTimeoutMs: 600_000,
        },
      }),
    ])
  })

  it('takes what there is to say of pods', async () => {
    const kubernetes = {
      runAs: '1001:123',
      nodeSelector: { 'kubernetes.io/arch': 'arm64', pool: 'ci' },
      runtimeClass: 'gvisor',
      pullSecrets: ['ghcr'],
      startTimeout: '90s',
    }
    const [read] = await classesOf([{ executor, kubernetes, network: 'cluster' }], cluster)
    expect(read).toMatchObject({
      network: 'cluster',
      pods: {
        runAs: { uid: 1_001, gid: 123 },
        nodeSelector: kubernetes.nodeSelector,
        runtimeClass: 'gvisor',
        pullSecrets: ['ghcr'],
        startTimeoutMs: 90_000,
      },
    })
  })

  it('is refused with all that a cluster does not do, and why', async () => {
    const found = await classesOf(
      [
        {
          executor,
          warm: 1,
          mounts: ['/srv/work'],
          images: ['*'],
          network: 'bridge',
          limits: { pids: 100 },
          kubernetes: {
            runAs: '0',
            nodeSelector: { 'a b': 'c' },
            runtimeClass: 'No Name',
            pullSecrets: ['ok', 'A'],
            startTimeout: '2h',
          },
        },
      ],
      cluster,
    )
    const hooks =
      'is for jobs of proxy runners, which need a Docker engine: their hooks run commands in a container, and others beside it'
    const name = 'must be lower-case letters, digits, "-" and ".", not at an end'
    expect(found).toEqual([
      'warm: a cluster creates nothing ahead: a pod exists from its start on',
      `mounts: ${hooks}`,
      `images: ${hooks}`,
      'limits.pids: a cluster limits processes by its nodes alone (podPidsLimit of the kubelet)',
      'network: is internet, cluster or none with executor: kubernetes',
      'kubernetes.runAs: root has to be asked for by its name',
      'kubernetes.nodeSelector.a b: must be labels such as disk=ssd,zone=a',
      `kubernetes.runtimeClass: ${name}`,
      `kubernetes.pullSecrets[1]: ${name}`,
      'kubernetes.startTimeout: must not be longer than 1h',
    ])
  })

  it('is refused where there is no cluster', async () => {
    expect(await classesOf([{ executor }])).toEqual([
      'KUBECONFIG: runner classes with executor: kubernetes (pods) need a cluster: set it, or run the server in a pod of the cluster',
    ])
    const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    expect(await classesOf([{ executor }], inPod)).toHaveLength(1)
  })

  it('is what settings of pods need', async () => {
    expect(await classesOf([{ kubernetes: {} }], cluster)).toEqual([
      'kubernetes: has no meaning without executor: kubernetes',
    ])
  })
})
