import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'

export interface AccessRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}

export interface AccessQuestion {
  verb: string
  group: string
  /** With its part, such as `pods/log`. */
  resource: string
  /** Empty where many are meant. */
  name: string
}

interface Role {
  kind?: string
  rules?: AccessRule[]
}

/** The rules of all Roles in files as they are shipped. */
export async function readRoles(files: readonly string[]): Promise<AccessRule[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  const documents = texts.flatMap((text) => [...parseAllDocuments(text)])
  const roles = documents.map((document) => document.toJS() as Role | null)
  const found = roles.flatMap((role) => (role?.kind === 'Role' ? (role.rules ?? []) : []))
  if (found.length === 0) throw new Error(`no Role in ${files.join(', ')}`)
  return found
}

/** As RBAC decides: what no rule allows is refused. */
export function isAllowed(rules: readonly AccessRule[], asked: AccessQuestion): boolean {
  const has = (list: readonly string[], wanted: string) =>
    list.includes('*') || list.includes(wanted)
  return rules.some(
    ({ apiGroups, resources, verbs, resourceNames }) =>
      has(apiGroups, asked.group) &&
      has(resources, asked.resource) &&
      has(verbs, asked.verb) &&
      (resourceNames === undefined || resourceNames.includes(asked.name)),
  )
}
