import { basename } from 'node:path/posix'
import { checkProject, checkRepository, type Declared, readDeclared } from './check-project.ts'
import type { ProjectConfig, RepositoryConfig } from './config.ts'
import type { CueEvaluator } from './cue/evaluator.ts'
import { createCueBinary } from './cue/run-cue-binary.ts'
import { createCueWorker } from './cue/start-cue-worker.ts'
import { findForgeFiles } from './find-forge-files.ts'
import type { ForgeFile } from './forge-files.ts'
import { limits } from './limits.ts'
import { normaliseProject, type ProjectPlace } from './normalise-project.ts'
import { normaliseRepository } from './normalise-repository.ts'
import {
  type ConfigurationProblem,
  createProblemList,
  type ProblemList,
  type Report,
} from './problems.ts'
import { asArray, asRecord, field } from './raw.ts'
import { readForgeFile } from './read-forge-file.ts'
import { projectNamePattern } from './schema/fields.ts'

/** What `loadForge` needs of a commit's tree. Paths are '/'-separated and relative to the root. */
export interface SourceTree {
  /** All paths, or at least those for which `isForgeFile` holds; in any order. */
  list(): AsyncIterable<string> | Promise<string[]>
  /**
   * The bytes of a path that `list` gave; a symbolic link must not lead out of the tree.
   * Of a larger file `maxBytes + 1` bytes are enough. Rejects when reading fails.
   */
  read(path: string, maxBytes: number): Promise<Buffer>
}

export interface LoadForgeOptions {
  /** Rejects the load with its reason; a running CUE evaluation is ended. */
  signal?: AbortSignal
  /** Names of publishers that exist besides those of the repository file. */
  publishers?: readonly string[]
  /** How CUE is evaluated. */
  cue?: {
    /** Absolute path of a `cue` command (see `findCueBinary`); without it CUE runs in a worker thread. */
    binary?: string | null
    /** Milliseconds for one file; default 5,000. */
    fileMs?: number
    /** Milliseconds for all files; default 30,000. */
    totalMs?: number
  }
}

export type LoadForgeResult =
  | {
      ok: true
      repository: RepositoryConfig
      /** By path; empty when the repository has no project file. */
      projects: ProjectConfig[]
      /** Directories with a `.forge/repo.*` of their own, whose projects are not this repository's. */
      nestedRepositories: string[]
    }
  | { ok: false; problems: ConfigurationProblem[] }

/**
 * Reads a repository's `.forge` configuration: finds the files, checks them and fills in the
 * defaults. Whatever the files contain, the result is a value, with all problems at once;
 * it rejects only when the tree cannot be read, CUE cannot be started, or the signal aborts.
 */
export async function loadForge(
  tree: SourceTree,
  options: LoadForgeOptions = {},
): Promise<LoadForgeResult> {
  const problems = createProblemList()
  const evaluator = lazyEvaluator(options)
  try {
    const found = await findForgeFiles(tree.list(), problems, options.signal)
    const read = createFileReader(tree, problems, evaluator.get, options.signal)
    const repository = found.repository && (await readRepository(found.repository, read))
    const declared = withPublishers(readDeclaredOf(repository), options.publishers ?? [])
    const projects: ReadProject[] = []
    for (const file of found.projects) {
      const project = await readProject(file, declared, read)
      if (project !== null) projects.push(project)
    }
    checkTogether(projects, problems)
    if (problems.count() > 0 || repository === null) return { ok: false, problems: problems.all() }

    const normalised = normaliseRepository(repository.value, repository.file.path)
    return {
      ok: true,
      repository: normalised,
      projects: projects.map(({ value, place }) =>
        normaliseProject(value, place, normalised.phases),
      ),
      nestedRepositories: found.nestedRepositories,
    }
  } finally {
    await evaluator.close()
  }
}

interface ReadFile {
  file: ForgeFile
  value: unknown
  report: Report
}

interface ReadProject extends ReadFile {
  place: ProjectPlace
}

type FileReader = (file: ForgeFile) => Promise<ReadFile | null>

function lazyEvaluator({ signal, cue = {} }: LoadForgeOptions) {
  let evaluator: CueEvaluator | undefined
  const time = { fileMs: cue.fileMs ?? limits.cueMs, totalMs: cue.totalMs ?? limits.cueTotalMs }
  return {
    get: (): CueEvaluator => {
      const { binary = null } = cue
      evaluator ??=
        binary === null ? createCueWorker(time, signal) : createCueBinary(binary, time, signal)
      return evaluator
    },
    close: async () => evaluator?.close(),
  }
}

/** Reads one file after the other; null where the problem is reported, or enough were reported before. */
function createFileReader(
  tree: SourceTree,
  problems: ProblemList,
  cue: () => CueEvaluator,
  signal: AbortSignal | undefined,
): FileReader {
  let totalBytes = 0
  return async (file) => {
    signal?.throwIfAborted()
    if (problems.count() >= limits.problems) return null
    const bytes = await tree.read(file.path, limits.fileBytes)
    totalBytes += bytes.length
    if (totalBytes > limits.totalBytes) {
      const message = `The file was not read: all together have more than ${limits.totalBytes / 1024 / 1024} MiB.`
      problems.reporter(file.path)('', message)
      return null
    }
    const parsed = await readForgeFile(file, bytes, cue)
    if (parsed.ok)
      return { file, value: parsed.value, report: problems.reporter(file.path, parsed.lineOf) }
    const report = problems.reporter(file.path)
    for (const { path, message, line } of parsed.problems) report(path, message, line)
    return null
  }
}

async function readRepository(file: ForgeFile, read: FileReader): Promise<ReadFile | null> {
  const repository = await read(file)
  if (repository !== null) checkRepository(repository.value, repository.report)
  return repository
}

async function readProject(
  file: ForgeFile,
  declared: Declared,
  read: FileReader,
): Promise<ReadProject | null> {
  const project = await read(file)
  if (project === null) return null
  const { value, report } = project
  checkProject(value, file.directory, declared, report)
  const written = field(value, 'name')
  const name = typeof written === 'string' ? written : basename(file.directory)
  if (written === undefined && file.directory === '.') {
    report('', 'A project at the root needs the key "name".')
  } else if (written === undefined && !new RegExp(projectNamePattern).test(name)) {
    report('', `needs the key "name": the directory's name "${name}" cannot be a project's.`)
  }
  return { ...project, place: { name, path: file.directory, file: file.path } }
}

function readDeclaredOf(repository: ReadFile | null): Declared {
  return repository === null ? { phases: null, publishers: null } : readDeclared(repository.value)
}

function withPublishers({ phases, publishers }: Declared, more: readonly string[]): Declared {
  if (publishers === null) return { phases, publishers }
  const others = more.map((name) => [name, { type: null }] as const)
  return { phases, publishers: new Map([...others, ...publishers]) }
}

/** Reports what is wrong between projects: names, and the number of steps of all. */
function checkTogether(projects: ReadProject[], problems: ProblemList): void {
  const places = new Map<string, string>()
  let steps = 0
  for (const { value, place, report } of projects) {
    const other = places.get(place.name)
    if (other === undefined) places.set(place.name, place.file)
    else {
      const pointer = field(value, 'name') === undefined ? '' : '/name'
      report(pointer, `The project name "${place.name}" is taken by ${other}.`)
    }
    for (const phase of Object.values(asRecord(field(value, 'phases')))) {
      steps += asArray(field(phase, 'steps')).length
    }
  }
  const [first] = projects
  if (first === undefined || steps <= limits.steps) return
  const message = `The projects have ${steps} steps together; at most ${limits.steps} are allowed.`
  problems.reporter(first.file.path)('', message)
}
