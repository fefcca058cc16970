import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The commits that the demo takes through runs. */
export interface DemoCommits {
  sample: string
  /** The same with a third replica of the API. */
  next: string
  failing: string
  slow: string
  /** Null where Slipway itself is not a clone. */
  self: string | null
}

export const sampleRepository = 'parcel/post'
export const ownRepository = 'slipway/slipway'

/** Makes Git repositories, below `base`, of the sample (with a failing and a slow branch) and of this clone. */
export async function prepareRepositories(root: string, base: string): Promise<DemoCommits> {
  const directory = join(base, `${sampleRepository}.git`)
  await mkdir(directory, { recursive: true })
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Slipway demo', '-c', 'user.email=demo@slipway.invalid']
    const { stdout } = await run('git', [...identity, ...args], { cwd: directory })
    return stdout.trim()
  }
  const commit = async (message: string) => {
    await git('add', '--all')
    await git('commit', '--quiet', '--message', message)
    return git('rev-parse', 'HEAD')
  }
  const overlay = async (name: string, message: string) => {
    await git('checkout', '--quiet', '-b', name, 'main')
    await cp(join(root, 'examples/overlays', name), directory, { recursive: true })
    return commit(message)
  }
  await git('init', '--quiet', '--initial-branch=main')
  await cp(join(root, 'examples/monorepo'), directory, { recursive: true })
  const sample = await commit('Parcel post')
  const failing = await overlay('failing', 'Round the price the wrong way')
  const slow = await overlay('slow', 'Build the page very carefully')
  await git('checkout', '--quiet', 'main')
  const project = join(directory, 'api/.forge/project.cue')
  const before = await readFile(project, 'utf8')
  await writeFile(project, before.replace('replicas: 2', 'replicas: 3'))
  const next = await commit('Run three replicas of the API')
  return { sample, next, failing, slow, self: await cloneSelf(root, base) }
}

async function cloneSelf(root: string, base: string): Promise<string | null> {
  try {
    const { stdout } = await run('git', ['rev-parse', 'HEAD'], { cwd: root })
    await run('git', ['clone', '--quiet', '--bare', root, join(base, `${ownRepository}.git`)])
    return stdout.trim()
  } catch {
    return null
  }
}
