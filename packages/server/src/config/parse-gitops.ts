import { InvalidValue, type Parse } from './parse.ts'

export const reconcilers = ['git', 'callback', 'argocd'] as const
export type ReconcilerName = (typeof reconcilers)[number]

export const reconcilerName: Parse<ReconcilerName> = (text) => {
  const found = reconcilers.find((name) => name === text)
  if (found !== undefined) return found
  throw new InvalidValue(`must be one of ${reconcilers.join(', ')}`)
}

/** A branch, of the characters that every Git server takes. */
export const branchName: Parse<string> = (text) => {
  const isName = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/.test(text)
  if (isName && !/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(text)) return text
  throw new InvalidValue('must be the name of a branch, such as main')
}

const placeholders = ['environment', 'owner', 'repo', 'project']

/** Name of an Argo CD application, with placeholders in braces. */
export const applicationTemplate: Parse<string> = (text) => {
  for (const [whole, name = ''] of text.matchAll(/\{([^}]*)\}/g)) {
    if (placeholders.includes(name)) continue
    const known = placeholders.map((placeholder) => `{${placeholder}}`).join(', ')
    throw new InvalidValue(`${whole} stands for nothing; there are ${known}`)
  }
  if (/^[A-Za-z0-9._-]{1,200}$/.test(text.replace(/[{}]/g, ''))) return text
  throw new InvalidValue('must be letters, digits, ".", "_", "-" and placeholders in braces')
}
