import { describeApiOperation } from './docs/reference/describe-api-operation.ts'
import { errorsPage } from './docs/reference/describe-errors.ts'
import { eventsPage } from './docs/reference/describe-events.ts'
import { socketsPage } from './docs/reference/describe-sockets.ts'
import { type ApiDocument, readContract } from './docs/reference/read-contract.ts'
import { families, type ReferenceFamily } from './docs/reference/reference-families.ts'
import {
  describeTypes,
  linkFrom,
  operationsOf,
  placeTypes,
} from './docs/reference/reference-types.ts'

const notice = '<!-- Written by npm run generate from the contract; changes here are lost. -->'

/** The pages below docs/reference/, by their paths in the repository. */
export async function generateReference(): Promise<Record<string, string>> {
  const document = await readContract()
  const places = placeTypes(document)
  const pages: Record<string, string> = {
    README: indexPage(document),
    events: eventsPage(),
    errors: errorsPage(),
    sockets: socketsPage(linkFrom('sockets', places)),
    types: `# Types that several families share\n\n${describeTypes(document, places, 'types')}`,
  }
  for (const family of families) pages[family.name] = familyPage(document, places, family)
  const told = new Set(families.flatMap(({ tags }) => tags))
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  const untold = operations.filter(({ tags }) => !tags.some((tag) => told.has(tag)))
  if (untold.length > 0) {
    const names = untold.map(({ operationId, tags }) => `${operationId} (${tags.join(', ')})`)
    throw new Error(`No page of the reference has ${names.join(', ')}: see reference-families.ts`)
  }
  return Object.fromEntries(
    Object.entries(pages).map(([name, text]) => [
      `docs/reference/${name}.md`,
      `${notice}\n\n${text.trimEnd()}\n`,
    ]),
  )
}

function indexPage(document: ApiDocument): string {
  const lists = families.map(({ name, title, tags }) => {
    const operations = tags.flatMap((tag) => operationsOf(document, tag))
    const lines = operations.map(
      ({ method, path, operation }) => `| \`${method} ${path}\` | ${operation.summary} |`,
    )
    return `## ${title}\n\n[${title}](${name}.md)\n\n| Operation | What it does |\n| --- | --- |\n${lines.join('\n')}`
  })
  return `# Reference of the API

Every operation, event, error and socket, made from the contract that the server itself checks requests by. A server
shows the same at \`/docs\`, to be tried there, and has it as OpenAPI 3.1 at \`/openapi.json\`.

- [Types of events](events.md), with their payloads
- [Errors](errors.md): statuses, codes and bodies
- [Sockets](sockets.md): every message
- [Types that several families share](types.md)

Requests and answers are JSON in UTF-8. Times are RFC 3339 in UTC. A token goes in \`Authorization: Bearer …\`; which
permission an operation needs is with it, which role has it in the [tables of permissions](../permissions.md).
Every operation can also be refused for what [Errors](errors.md) lists.

${lists.join('\n\n')}
`
}

function familyPage(
  document: ApiDocument,
  places: ReadonlyMap<string, string>,
  family: ReferenceFamily,
): string {
  const link = linkFrom(family.name, places)
  const guides = family.guides.map(([title, file]) => `[${title}](../${file})`).join(', ')
  const sections = family.tags.map((tag) => {
    const about = document.tags.find(({ name }) => name === tag)?.description ?? ''
    const parts = operationsOf(document, tag).map((placed) =>
      describeApiOperation(placed, document.components.schemas, link),
    )
    return `## ${tag}\n\n${about}\n\n${parts.join('')}`
  })
  const types = describeTypes(document, places, family.name)
  return `# ${family.title}: reference

Explained in ${guides}. What errors look like is in [Errors](errors.md).

${sections.join('')}${types === '' ? '' : `## Types\n\n${types}`}`
}
