import { randomUUID } from 'node:crypto'

/** Everything that a template has in the object store is below this. */
export function templatePrefix(templateId: number): string {
  return `branding/${templateId}/`
}

export function newAssetKey(templateId: number): string {
  return `${templatePrefix(templateId)}${randomUUID()}`
}
