import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createDockerImageEngine } from '../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import type { BuildAttempt } from '../packages/server/src/builds/index.ts'
import { buildImage } from '../packages/server/src/worker/build/build-image.ts'
import { type Dockerd, startDockerd } from '../test/support/dockerd.ts'
import { percentiles, round } from './statistics.ts'

const files = 2_000
const fileBytes = 50_000
const rounds = 9
const signal = new AbortController().signal

/**
 * The image of a tree of 100 MB, by the step build_image (the tree listed, packed and sent, everything
 * printed followed), against the engine's own call with a tar file that is ready. Each round has another
 * file, so that neither side finds the other's layers.
 */
export async function benchImageBuilds(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const dockerd = await startDockerd()
  const images = createDockerImageEngine({
    host: { kind: 'unix', socketPath: dockerd.socketPath },
  })
  const output = { write: () => {}, progress: () => {} }
  try {
    const directory = join(folder, 'tree')
    await makeTree(directory)
    const archive = join(folder, 'tree.tar')
    const floor: number[] = []
    const ours: number[] = []
    for (let n = 0; n <= rounds; n++) {
      const bare = async () => {
        await writeFile(join(directory, 'round'), randomUUID())
        await promisify(execFile)('tar', ['-cf', archive, '-C', directory, '.'])
        const took = await timed(() => buildBare(dockerd, archive))
        await images.remove('bare:1')
        return took
      }
      const step = async () => {
        await writeFile(join(directory, 'round'), randomUUID())
        const input = { attempt, jobId: randomUUID(), directory, commitSha: '', output }
        return timed(async () => {
          const { imageId } = await buildImage({ images, buildNetwork: 'none' }, input, signal)
          return () => images.remove(imageId)
        })
      }
      // In turns, and neither always first.
      const took = n % 2 === 0 ? [await bare(), await step()] : [await step(), await bare()]
      const [bareMs = 0, stepMs = 0] = n % 2 === 0 ? took : took.toReversed()
      // The first round warms caches and compilers on both sides.
      if (n === 0) continue
      floor.push(bareMs)
      ours.push(stepMs)
    }
    const [bare, all] = [percentiles(floor), percentiles(ours)]
    return {
      bytes: files * fileBytes,
      files,
      floorMs: bare,
      ms: all,
      ratio: round(all.p50 / bare.p50),
    }
  } finally {
    await images.close()
    await dockerd.close()
    await rm(folder, { recursive: true })
  }
}

const attempt: BuildAttempt = {
  buildId: 1,
  number: 1,
  logKey: 'builds/1/logs/build.log',
  steps: ['clone_repo', 'build_image'],
  outputType: 'docker_image',
  repository: {
    name: 'bench',
    isOfficial: false,
    remote: { url: 'https://git.example.test/bench.git' },
    ref: null,
  },
  branding: null,
  configuration: null,
  image: { name: null, tag: null, args: {}, platforms: [] },
  registry: null,
  variables: {},
}

async function makeTree(directory: string): Promise<void> {
  for (let n = 0; n < files; n++) {
    const folder = join(directory, `folder-${n % 50}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `file-${n}`), randomBytes(fileBytes))
  }
  await writeFile(join(directory, 'Dockerfile'), 'FROM scratch\nCOPY . /tree\n')
}

/** Answers milliseconds; what `action` answers is done afterwards, untimed. */
async function timed(action: () => Promise<(() => Promise<unknown>) | void>): Promise<number> {
  const started = performance.now()
  const after = await action()
  const took = performance.now() - started
  await after?.()
  return took
}

/** The engine's call alone. */
async function buildBare({ socketPath }: Dockerd, archive: string): Promise<void> {
  const asked = request({
    socketPath,
    method: 'POST',
    path: '/build?t=bare:1&version=2&networkmode=none',
    headers: { 'content-type': 'application/x-tar' },
    agent: false,
  })
  const answered = new Promise<string>((resolve, reject) => {
    asked.on('error', reject)
    asked.on('response', (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.on('error', reject)
      answer.on('end', () => resolve(text))
    })
  })
  await pipeline(createReadStream(archive), asked)
  const said = await answered
  if (!said.includes('moby.image.id')) throw new Error(said.slice(-500))
}
