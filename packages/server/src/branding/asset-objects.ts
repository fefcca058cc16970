import { randomUUID } from 'node:crypto'

/** Where in the object store the file of a new asset goes. */
export function newAssetKey(): string {
  return `branding/${randomUUID()}`
}
