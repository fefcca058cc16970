import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemsOf } from '../../../../test/support/config-problems.ts'
import { readConfig } from './read-config.ts'

describe('runners.classes of the file of SLIPWAY_CONFIG', () => {
  let path: string
  beforeAll(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'slipway-config-')), 'slipway.yaml')
  })
  afterAll(() => rm(join(path, '..'), { recursive: true }))

  async function classes(text: string) {
    await writeFile(path, text)
    return (await readConfig({ SLIPWAY_CONFIG: path })).runnerClasses
  }
  async function problems(text: string) {
    await writeFile(path, text)
    const all = await problemsOf({ SLIPWAY_CONFIG: path })
    return all.map((problem) => problem.replace(`SLIPWAY_CONFIG (${path}): runners.`, ''))
  }

  it('are none where nothing is said', async () => {
    expect(await classes('runners: {}\n')).toEqual([])
    expect((await readConfig({})).runnerClasses).toEqual([])
  })

  it('have limits also where none are said', async () => {
    expect(
      await classes('runners: { classes: [{ name: small, labels: [linux], image: "runner:1" }] }'),
    ).toEqual([
      {
        name: 'small',
        labels: ['linux'],
        executor: 'docker',
        pods: null,
        image: 'runner:1',
        command: null,
        env: {},
        limits: {
          memoryBytes: null,
          cpus: null,
          pids: 4096,
          diskBytes: null,
          timeoutMs: 21_600_000,
        },
        network: 'bridge',
        maxRunners: 4,
        maxPerRepository: null,
        warm: 0,
        repositories: null,
        mounts: [],
        images: [],
      },
    ])
  })

  it('are read whole', async () => {
    const [large] = await classes(`
runners:
  classes:
    - name: large
      labels: [linux, x64, large, linux]
      executor: docker
      image: ghcr.io/acme/runner@sha256:${'a'.repeat(64)}
      command: [/bin/sh, -c, 'echo "$GITHUB_SHA"']
      env: { TZ: UTC }
      limits: { memory: 4GiB, cpus: 1.5, pids: 512, disk: 20GB, timeout: 90m }
      maxRunners: 10
      maxPerRepository: 3
      warm: 2
      repositories: [acme/*, other/shop]
      network: none
      mounts: [/srv/runner/_work, '/srv/runner/externals:ro']
      images: [node:22, ghcr.io/acme/*]
`)
    expect(large).toEqual({
      name: 'large',
      labels: ['linux', 'x64', 'large'],
      executor: 'docker',
      pods: null,
      image: `ghcr.io/acme/runner@sha256:${'a'.repeat(64)}`,
      command: ['/bin/sh', '-c', 'echo "$GITHUB_SHA"'],
      env: { TZ: 'UTC' },
      limits: {
        memoryBytes: 4 * 1024 ** 3,
        cpus: 1.5,
        pids: 512,
        diskBytes: 20_000_000_000,
        timeoutMs: 5_400_000,
      },
      network: 'none',
      maxRunners: 10,
      maxPerRepository: 3,
      warm: 2,
      repositories: ['acme/*', 'other/shop'],
      mounts: ['/srv/runner/_work', '/srv/runner/externals:ro'],
      images: ['node:22', 'ghcr.io/acme/*'],
    })
  })

  it('are refused with all of their problems at once', async () => {
    const found = await problems(`
runners:
  classes:
    - labels: [linux]
    - name: a
      labels: [linux]
      image: runner
    - name: a
      labels: ['a,b', '']
      image: 'runner latest'
      executor: nomad
      command: []
      env: { 'A B': x, N: 1 }
      limits: { memory: much, cpus: 0, pids: 1, timeout: 8d, discs: 1 }
      maxRunners: 2
      maxPerRepository: 3
      warm: 3
      repositories: ['*', acme]
      network: host
      mounts: [/, relative, /srv/../etc, /var/run/docker.sock, /var, '/var/lib/docker/volumes:ro']
      images: ['*', 'a*b', ' ']
`)
    const noImage = 'is a name of an image, with or without a * at its end'
    const relative = 'must be an absolute path without "." and "..", and no "/" at its end'
    expect(found).toEqual([
      'classes[2].executor: must be one of docker, kubernetes',
      'classes[2].command: must not be empty',
      'classes[2].env.N: must be a string',
      'classes[2].limits.pids: must be a whole number of 16 to 1000000',
      'classes[2].limits.discs: there is no such setting',
      'classes[0].name: is missing',
      'classes[0].image: is missing',
      'classes[2].labels[0]: has 1 to 200 characters, and no comma',
      'classes[2].labels[1]: has 1 to 200 characters, and no comma',
      'classes[2].image: is no name of an image',
      'classes[2].env.A B: is no name of a variable',
      'classes[2].limits.memory: "much" is not a size such as 256MiB or 2GB',
      'classes[2].limits.cpus: must be a number of 0.01 to 1024',
      'classes[2].limits.timeout: must not be longer than 7d',
      'classes[2].network: host would give jobs the network of the machine',
      'classes[2].repositories[0]: must be written as owner/name or owner/*',
      'classes[2].repositories[1]: must be written as owner/name or owner/*',
      'classes[2].mounts[0]: / is the machine’s own',
      `classes[2].mounts[1]: ${relative}`,
      `classes[2].mounts[2]: ${relative}`,
      'classes[2].mounts[3]: /var/run/docker.sock is the machine’s own',
      'classes[2].mounts[4]: /var is the machine’s own',
      'classes[2].mounts[5]: /var/lib/docker/volumes is the machine’s own',
      `classes[2].images[1]: ${noImage}`,
      `classes[2].images[2]: ${noImage}`,
      'classes[2].warm: must not be more than maxRunners',
      'classes[2].maxPerRepository: must not be more than maxRunners',
      'classes[2].name: a is there a second time',
    ])
  })
})
