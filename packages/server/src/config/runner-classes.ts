import { normalize } from 'node:path'
import Type from 'typebox'
import type { ContainerLimits } from '../ports/container-host.ts'
import { asMapping, isMapping } from './check-mapping.ts'
import { bytes, duration, InvalidValue, type Parse } from './parse.ts'
import { type ClassPods, readRunnerPods, RunnerPodsFile } from './runner-pods.ts'

/** What serves jobs with certain labels. Source: `runners.classes` of slipway.yaml. */
export interface RunnerClass {
  name: string
  /** All labels of a job must be among these; `self-hosted` counts as present. */
  labels: readonly string[]
  executor: 'docker' | 'kubernetes'
  /** How its pods are; null unless its executor is Kubernetes. */
  pods: ClassPods | null
  image: string
  /** Null: GitHub's runner (`run.sh`), with a just-in-time configuration. */
  command: readonly string[] | null
  /** Nothing secret: it can be read by whoever may inspect containers. */
  env: Readonly<Record<string, string>>
  limits: ContainerLimits & {
    /** Milliseconds from the start of a container until it is stopped. */
    timeoutMs: number
  }
  /**
   * bridge: one of its own; none: none; otherwise the name of an existing one. Of Kubernetes: internet: nothing in
   * the cluster, and nobody from it; cluster: what its policies allow; none.
   */
  network: string
  /** Containers of this class at once, warm ones not counted. */
  maxRunners: number
  /** Of one repository; null: only `maxRunners` counts. */
  maxPerRepository: number | null
  /** Containers that are created before they are needed. */
  warm: number
  /** `owner/name` and `owner/*` that may use it; null: all. */
  repositories: readonly string[] | null
  /**
   * Absolute host directories below which hooks may mount, e.g. a proxy runner's `_work`; with `:ro` behind
   * it only for reading.
   */
  mounts: readonly string[]
  /** Images that hooks may ask for beside `image`; a `*` at the end stands for anything. */
  images: readonly string[]
}

const defaults = {
  timeout: '6h',
  pids: 4_096,
  maxRunners: 4,
  network: 'bridge',
  podNetwork: 'internet',
} as const
const text = (description: string, given: object = {}) =>
  Type.Optional(Type.String({ description, ...given }))
const texts = (description: string, limits: { minItems?: number; maxItems: number }) =>
  Type.Optional(Type.Array(Type.String(), { description, ...limits }))

const RunnerClassFile = Type.Object(
  {
    name: text('Its name, at most 40 letters, digits, `.`, `_` and `-`. Required.'),
    labels: texts('What jobs may ask for; `self-hosted` counts as present. Required.', {
      minItems: 1,
      maxItems: 32,
    }),
    executor: Type.Optional(
      Type.Enum(['docker', 'kubernetes'], {
        description: 'What runs its containers: the Docker engine, or a cluster, as pods.',
        default: 'docker',
      }),
    ),
    image: text('Image of its containers. Required.'),
    command: texts('What a container runs; default: GitHub’s runner, for one job.', {
      minItems: 1,
      maxItems: 100,
    }),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Environment of its containers. Nothing secret.',
      }),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          memory: text('Memory, e.g. `4GiB`; default: no limit.'),
          cpus: Type.Optional(
            Type.Number({ description: 'CPU cores, e.g. `1.5`; default: no limit.' }),
          ),
          pids: Type.Optional(
            Type.Integer({
              description: 'Processes and threads; not of Kubernetes, where nodes limit them.',
              default: defaults.pids,
              minimum: 16,
              maximum: 1_000_000,
            }),
          ),
          disk: text('Bytes that it may write, e.g. `20GiB`; default: no limit.'),
          timeout: text('How long it may run, at most `7d`.', { default: defaults.timeout }),
        },
        { additionalProperties: false, description: 'What one container may use.' },
      ),
    ),
    maxRunners: Type.Optional(
      Type.Integer({
        description: 'Containers at once.',
        default: defaults.maxRunners,
        minimum: 1,
        maximum: 1_000,
      }),
    ),
    maxPerRepository: Type.Optional(
      Type.Integer({
        description: 'Containers of one repository at once; default: `maxRunners`.',
        minimum: 1,
        maximum: 1_000,
      }),
    ),
    warm: Type.Optional(
      Type.Integer({
        description: 'Containers that are created before they are needed.',
        default: 0,
        minimum: 0,
        maximum: 100,
      }),
    ),
    repositories: texts(
      'Who may use it, as `owner/name` or `owner/*`; default: every repository.',
      {
        maxItems: 1_000,
      },
    ),
    network: text(
      '`bridge`: each container has a network of its own; `none`; or the name of a network. Of Kubernetes: `internet` (default), which leads to nothing in the cluster; `cluster`; or `none`.',
      { default: defaults.network },
    ),
    mounts: texts(
      'Directories of the host below which jobs of proxy runners may mount; with `:ro` behind it only for reading.',
      { maxItems: 20 },
    ),
    images: texts(
      'Images that jobs of proxy runners may ask for, as `node:22`, `ghcr.io/acme/*` or `*`; default: only `image`.',
      { maxItems: 100 },
    ),
    kubernetes: Type.Optional(RunnerPodsFile),
  },
  { additionalProperties: false },
)

/** `runners` of the file. */
export const RunnersFile = Type.Object(
  {
    classes: Type.Optional(
      Type.Array(RunnerClassFile, {
        maxItems: 100,
        description: 'What serves jobs of GitHub Actions, by their labels.',
      }),
    ),
  },
  { additionalProperties: false },
)

const forms = {
  name: /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/,
  image: /^[\w][\w.\-/:@]{0,499}$/,
  variable: /^[A-Za-z_][A-Za-z0-9_]{0,199}$/,
  network: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
  repository: /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/(?:\*|(?!\.{1,2}$)[A-Za-z0-9._-]{1,100})$/,
} as const
const longestMs = 7 * 86_400_000
/** What is in these is the host's own: who may write it, or reach a socket in it, has the host. */
const refusedMounts = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/var/run',
  '/var/lib/docker',
  '/var/lib/containerd',
  '/etc',
  '/boot',
]

type Problem = (message: string) => void

/**
 * The classes there are. `content` is the file's; what is of the wrong shape has been told already, what is
 * wrong beyond that goes to `problem`.
 */
export function readRunnerClasses(content: unknown, problem: Problem): readonly RunnerClass[] {
  const written = asMapping(content)['classes']
  const classes = (Array.isArray(written) ? written : []).filter(isMapping)
  const read = classes.map((one, index) =>
    readClass(one, (message) => problem(`runners.classes[${index}].${message}`)),
  )
  for (const [index, { name }] of read.entries()) {
    if (name !== '' && read.findIndex((one) => one.name === name) < index) {
      problem(`runners.classes[${index}].name: ${name} is there a second time`)
    }
  }
  return read
}

function readClass(written: Record<string, unknown>, problem: Problem): RunnerClass {
  for (const key of ['name', 'labels', 'image']) {
    if (written[key] === undefined) problem(`${key}: is missing`)
  }
  const limits = asMapping(written['limits'])
  const maxRunners = whole(written['maxRunners']) ?? defaults.maxRunners
  const maxPerRepository = whole(written['maxPerRepository'])
  const pods = readRunnerPods(written, problem)
  const read: RunnerClass = {
    name:
      matching(
        written['name'],
        'name',
        'is at most 40 letters, digits, ".", "_" and "-"',
        problem,
      ) ?? '',
    labels: readLabels(written['labels'], problem),
    executor: pods === null ? 'docker' : 'kubernetes',
    pods,
    image: matching(written['image'], 'image', 'is no name of an image', problem) ?? '',
    command: readCommand(written['command'], problem),
    env: readVariables(written['env'], problem),
    limits: {
      memoryBytes: parsed(limits['memory'], bytes, 'limits.memory', problem),
      cpus: readCpus(limits['cpus'], problem),
      pids: pods === null ? (whole(limits['pids']) ?? defaults.pids) : null,
      diskBytes: parsed(limits['disk'], bytes, 'limits.disk', problem),
      timeoutMs:
        parsed(limits['timeout'] ?? defaults.timeout, timeout, 'limits.timeout', problem) ?? 0,
    },
    network:
      pods === null
        ? readNetwork(written['network'] ?? defaults.network, problem)
        : typeof written['network'] === 'string'
          ? written['network']
          : defaults.podNetwork,
    maxRunners,
    maxPerRepository,
    warm: whole(written['warm']) ?? 0,
    repositories:
      written['repositories'] === undefined
        ? null
        : readRepositories(written['repositories'], problem),
    mounts: readMounts(written['mounts'], problem),
    images: readImages(written['images'], problem),
  }
  if (read.warm > maxRunners) problem('warm: must not be more than maxRunners')
  if (maxPerRepository !== null && maxPerRepository > maxRunners) {
    problem('maxPerRepository: must not be more than maxRunners')
  }
  return read
}

function readLabels(value: unknown, problem: Problem): readonly string[] {
  return list(value).filter((label, index, all) => {
    const isOne = /^[^\s,\u0000-\u001f](?:[^,\u0000-\u001f]{0,198}[^\s,\u0000-\u001f])?$/u.test(
      label,
    )
    if (!isOne) problem(`labels[${index}]: has 1 to 200 characters, and no comma`)
    return isOne && all.indexOf(label) === index
  })
}

function readCommand(value: unknown, problem: Problem): readonly [string, ...string[]] | null {
  const [program, ...rest] = list(value)
  if (program === undefined) return null
  if (program.trim() === '') problem('command[0]: names no program')
  return [program, ...rest]
}

function readVariables(value: unknown, problem: Problem): Record<string, string> {
  const given = Object.entries(asMapping(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  for (const [name] of given) {
    if (!forms.variable.test(name)) problem(`env.${name}: is no name of a variable`)
  }
  return Object.fromEntries(given)
}

function readCpus(value: unknown, problem: Problem): number | null {
  if (typeof value !== 'number') return null
  if (value >= 0.01 && value <= 1_024) return value
  problem('limits.cpus: must be a number of 0.01 to 1024')
  return null
}

function readNetwork(value: unknown, problem: Problem): string {
  const message = 'is bridge, none or the name of a network'
  const name = matching(value, 'network', message, problem) ?? ''
  if (name === 'host') problem('network: host would give jobs the network of the machine')
  return name
}

function readRepositories(value: unknown, problem: Problem): readonly string[] {
  const patterns = list(value)
  for (const [index, pattern] of patterns.entries()) {
    if (!forms.repository.test(pattern)) {
      problem(`repositories[${index}]: must be written as owner/name or owner/*`)
    }
  }
  return patterns
}

function readMounts(value: unknown, problem: Problem): readonly string[] {
  const directories = list(value)
  for (const [index, entry] of directories.entries()) {
    const directory = entry.replace(/:ro$/, '')
    const where = `mounts[${index}]`
    const isClean = directory.startsWith('/') && normalize(directory) === directory
    if (!isClean || (directory !== '/' && directory.endsWith('/'))) {
      problem(`${where}: must be an absolute path without "." and "..", and no "/" at its end`)
    } else if (refusedMounts.some((path) => isBelow(directory, path) || isBelow(path, directory))) {
      problem(`${where}: ${directory} is the machine’s own`)
    }
  }
  return directories
}

function readImages(value: unknown, problem: Problem): readonly string[] {
  const patterns = list(value)
  for (const [index, pattern] of patterns.entries()) {
    if (pattern !== '*' && !forms.image.test(pattern.replace(/\*$/, ''))) {
      problem(`images[${index}]: is a name of an image, with or without a * at its end`)
    }
  }
  return patterns
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === '/' ? root : `${root}/`)
}

const timeout: Parse<number> = (given) => {
  const ms = duration(given)
  if (ms > longestMs) throw new InvalidValue('must not be longer than 7d')
  return ms
}

function matching(
  value: unknown,
  key: keyof typeof forms,
  message: string,
  problem: Problem,
): string | null {
  if (typeof value !== 'string') return null
  if (forms[key].test(value)) return value
  problem(`${key}: ${message}`)
  return null
}

function parsed<T>(value: unknown, parse: Parse<T>, where: string, problem: Problem): T | null {
  if (typeof value !== 'string') return null
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    problem(`${where}: ${error.message}`)
    return null
  }
}

function whole(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
