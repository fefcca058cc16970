import type { Workflow } from '../ports/github-actions.ts'

export type WorkflowMatch =
  | {
      kind: 'one'
      workflow: Workflow
      /** Whether only its name is this: others may get that name, unlike a path or an id. */
      byName: boolean
    }
  | { kind: 'several'; workflows: readonly Workflow[] }
  | { kind: 'none' }

const isNamed = ({ name }: Workflow, text: string): boolean => name === text

/** The ways to call a workflow; the first one that anything answers to decides. */
const ways: readonly ((workflow: Workflow, text: string) => boolean)[] = [
  ({ path }, text) => path === text,
  ({ path }, text) => path.slice(path.lastIndexOf('/') + 1) === text,
  ({ id }, text) => String(id) === text,
  isNamed,
]

/** Finds the workflow that is called so: by its path, its file's name, its id, or its name, which others may share. */
export function matchWorkflow(workflows: readonly Workflow[], text: string): WorkflowMatch {
  const present = workflows.filter(({ state }) => state !== 'deleted')
  for (const isCalled of ways) {
    const found = present.filter((workflow) => isCalled(workflow, text))
    const [first] = found
    if (first !== undefined && found.length === 1) {
      return { kind: 'one', workflow: first, byName: isCalled === isNamed }
    }
    if (found.length > 1) return { kind: 'several', workflows: found }
  }
  return { kind: 'none' }
}
