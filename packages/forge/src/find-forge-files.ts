import { type ForgeFile, parseForgePath } from './forge-files.ts'
import { limits } from './limits.ts'
import type { ProblemList } from './problems.ts'

export interface FoundFiles {
  repository: ForgeFile | null
  projects: ForgeFile[]
  /** Directories below the root with a repository file of their own; nothing beneath them was taken. */
  nestedRepositories: string[]
}

// Found files of one tree that are kept in memory; beyond it the limit of projects is long passed.
const maxFiles = 20_000

/**
 * Sorts a tree's paths into the repository file and the project files, and reports what cannot
 * be: no configuration at all, two formats of one file, `.yml`, too many projects.
 */
export async function findForgeFiles(
  paths: AsyncIterable<string> | Promise<string[]>,
  problems: ProblemList,
  signal?: AbortSignal,
): Promise<FoundFiles> {
  const files: ForgeFile[] = []
  for await (const path of Symbol.asyncIterator in paths ? paths : await paths) {
    signal?.throwIfAborted()
    const file = parseForgePath(path)
    if (file !== null) files.push(file)
    if (files.length > maxFiles) break
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1))

  const nested = outermost(
    files.filter((file) => file.kind === 'repo').map((file) => file.directory),
  )
  const roots = new Set(nested)
  const own = files.filter((file) => !isBelow(file.directory, roots))
  const repository = pickOne(
    own.filter((file) => file.kind === 'repo'),
    problems,
  )
  const byDirectory = groupProjects(own)
  const projects = [...byDirectory.values()].flatMap((group) => pickOne(group, problems) ?? [])

  reportMissing(own, projects, problems)
  const [beyond] = projects.slice(limits.projects)
  if (beyond !== undefined) {
    const message = `The repository has ${projects.length} projects; at most ${limits.projects} are allowed.`
    problems.reporter(beyond.path)('', message)
  }
  return { repository, projects: projects.slice(0, limits.projects), nestedRepositories: nested }
}

function groupProjects(files: ForgeFile[]): Map<string, ForgeFile[]> {
  const groups = new Map<string, ForgeFile[]>()
  for (const file of files) {
    if (file.kind !== 'project') continue
    const group = groups.get(file.directory)
    if (group === undefined) groups.set(file.directory, [file])
    else group.push(file)
  }
  return groups
}

/** The one file of a group that counts; null when there is none, or none that can be read. */
function pickOne(group: ForgeFile[], problems: ProblemList): ForgeFile | null {
  const [first, ...others] = group.filter((file) => file.format !== 'yml')
  for (const file of group) {
    if (file.format !== 'yml') continue
    problems.reporter(file.path)('', 'Files end in .yaml, .json or .cue; rename this one to .yaml.')
  }
  for (const file of others) {
    const message = `There is ${first?.path} already; keep one format of the file.`
    problems.reporter(file.path)('', message)
  }
  return first ?? null
}

function reportMissing(own: ForgeFile[], projects: ForgeFile[], problems: ProblemList): void {
  if (own.some((file) => file.kind === 'repo')) return
  const hint = 'Add .forge/repo.yaml (or .json, .cue), for instance with `slipway init`.'
  const [example] = projects
  const message =
    example === undefined
      ? `This repository has no .forge configuration. ${hint}`
      : `There are project files, such as ${example.path}, but no repository file. ${hint}`
  problems.reporter('.forge/repo.yaml')('', message)
}

/** Directories other than the root that are not beneath another of them. */
function outermost(directories: string[]): string[] {
  const roots = new Set<string>()
  for (const directory of directories.filter((name) => name !== '.').toSorted(byLength)) {
    if (!isBelow(directory, roots)) roots.add(directory)
  }
  return [...roots].toSorted()
}

function byLength(a: string, b: string): number {
  return a.length - b.length
}

/** Whether a directory is one of these, or beneath one. */
function isBelow(directory: string, roots: ReadonlySet<string>): boolean {
  for (let end = directory.length; end > 0; end = directory.lastIndexOf('/', end - 1)) {
    if (roots.has(directory.slice(0, end))) return true
  }
  return false
}
