import type { Workflow } from '../ports/github-actions.ts'

export type WorkflowMatch =
  | { kind: 'one'; workflow: Workflow }
  | { kind: 'several'; workflows: readonly Workflow[] }
  | { kind: 'none' }

/** The ways to call a workflow; the first one that anything answers to decides. */
const ways: readonly ((workflow: Workflow, text: string) => boolean)[] = [
  ({ path }, text) => path === text,
  ({ path }, text) => path.slice(path.lastIndexOf('/') + 1) === text,
  ({ id }, text) => String(id) === text,
  ({ name }, text) => name === text,
]

/** Finds the workflow that is called so: by its path, its file's name, its id, or its name, which others may share. */
export function matchWorkflow(workflows: readonly Workflow[], text: string): WorkflowMatch {
  const present = workflows.filter(({ state }) => state !== 'deleted')
  for (const isCalled of ways) {
    const found = present.filter((workflow) => isCalled(workflow, text))
    const [first] = found
    if (first !== undefined && found.length === 1) return { kind: 'one', workflow: first }
    if (found.length > 1) return { kind: 'several', workflows: found }
  }
  return { kind: 'none' }
}
