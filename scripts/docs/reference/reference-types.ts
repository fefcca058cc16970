import { code, fieldTable, type LinkToType, nameOf, namesIn } from './describe-schema.ts'
import type { ApiDocument, ApiOperation, ApiSchema } from './read-contract.ts'
import { families } from './reference-families.ts'

/** An operation and where it is. */
export interface PlacedOperation {
  method: string
  path: string
  operation: ApiOperation
}

export function operationsOf(document: ApiDocument, tag: string): PlacedOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

/**
 * Page of each named schema: of the only family that uses it, else `types`. One that is the body of a single
 * request or answer, and nothing else, has no place: its fields are with the operation.
 */
export function placeTypes(document: ApiDocument): Map<string, string> {
  const places = new Map<string, string>()
  const { schemas } = document.components
  for (const { name: page, tags } of families) {
    const used = new Set<string>()
    const visit = (name: string) => {
      if (used.has(name)) return
      used.add(name)
      namesIn(schemas[name]).forEach(visit)
    }
    const operations = tags.flatMap((tag) => operationsOf(document, tag))
    namesIn(operations.map(({ operation }) => operation)).forEach(visit)
    for (const name of used) places.set(name, places.has(name) ? 'types' : page)
  }
  const uses = new Map<string, number>()
  for (const name of namesIn(document)) uses.set(name, (uses.get(name) ?? 0) + 1)
  for (const name of bodiesOf(document)) if (uses.get(name) === 1) places.delete(name)
  return new Map([...places].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function bodiesOf(document: ApiDocument): string[] {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  const contents = operations.flatMap(({ requestBody, responses }) => [
    requestBody?.content,
    ...Object.values(responses).map(({ content }) => content),
  ])
  return contents
    .flatMap((content) => Object.values(content ?? {}))
    .map(({ schema }) => nameOf(schema))
    .filter((name) => name !== null)
}

/** Links to types, as a page of the reference writes them. */
export function linkFrom(page: string, places: ReadonlyMap<string, string>): LinkToType {
  return (name) => {
    const place = places.get(name)
    if (place === undefined) return code(name)
    return `[${name}](${place === page ? '' : `${place}.md`}#type-${name.toLowerCase()})`
  }
}

/** The named schemas that have their place on the page. */
export function describeTypes(
  document: ApiDocument,
  places: ReadonlyMap<string, string>,
  page: string,
): string {
  const link = linkFrom(page, places)
  const names = [...places].filter(([, place]) => place === page).map(([name]) => name)
  return names.map((name) => describeNamed(name, document.components.schemas[name], link)).join('')
}

function describeNamed(name: string, schema: ApiSchema | undefined, link: LinkToType): string {
  const words = schema?.description === undefined ? '' : `${schema.description}\n\n`
  const fields = schema === undefined ? '' : fieldTable(schema, link)
  return `### Type ${name}\n\n${words}${fields === '' ? 'An object without fields.' : fields}\n\n`
}
