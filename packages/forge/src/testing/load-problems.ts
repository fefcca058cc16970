import { loadForge } from '../load-forge.ts'
import type { ConfigurationProblem } from '../problems.ts'
import { memoryTree } from './memory-tree.ts'

/** A repository file with two phases, `check` and `test`. */
export const twoPhases = 'phases:\n  check: {}\n  test: {group: 2, timeout: 10m}\n'

/** A project file with one step on lines 5 and 6, and what is to follow from line 7 on. */
export function oneStep(more = ''): string {
  return `name: api\nphases:\n  test:\n    steps:\n      - name: a\n        run: make\n${more}`
}

/** What is wrong with these files; empty when they load. */
export async function problemsOf(
  files: Record<string, string | Buffer>,
): Promise<ConfigurationProblem[]> {
  const result = await loadForge(memoryTree(files))
  return result.ok ? [] : result.problems
}

/** What is wrong with a project file beside a repository file that is fine. */
export async function problemsInProject(content: string): Promise<ConfigurationProblem[]> {
  return problemsOf({ '.forge/repo.yaml': twoPhases, 'api/.forge/project.yaml': content })
}

/** What is wrong with a repository file alone. */
export async function problemsInRepository(content: string): Promise<ConfigurationProblem[]> {
  return problemsOf({ '.forge/repo.yaml': content })
}
