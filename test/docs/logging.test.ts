import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { repositoryRoot } from '../support/markdown.ts'

// The fields of lines of log, over the whole server.

const sources = join(repositoryRoot, 'packages/server/src')
const call = /\blog\??\.(?:debug|info|warn|error)\(\s*\{([^{}]*)\}/g

/** Names of the fields that are logged, by file. */
async function loggedFields(): Promise<{ file: string; field: string }[]> {
  const files = (await readdir(sources, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(sources, file), 'utf8')
      return [...text.matchAll(call)].flatMap(([, inside = '']) =>
        inside
          .replaceAll(/\([^()]*\)|\[[^[\]]*\]|'[^']*'/g, '')
          .split(',')
          .flatMap((part) => /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1] ?? [])
          .map((field) => ({ file, field })),
      )
    }),
  )
  return found.flat()
}

/** What one thing is called everywhere: its id, by `<thing>_id`. */
const things = 'job|run|task|step|build|delegation|deployment|release|delivery|worker'

it('names fields in one way: in lower case, and ids of things by `<thing>_id`', async () => {
  const fields = await loggedFields()
  expect(fields.length).toBeGreaterThan(100)
  const odd = fields.filter(
    ({ field }) => /[A-Z]/.test(field) || new RegExp(`^(${things})$`).test(field),
  )
  expect(odd).toEqual([])
})

it('is told of in docs/logging.md', async () => {
  const page = await readFile(join(repositoryRoot, 'docs/logging.md'), 'utf8')
  const ids = (await loggedFields())
    .map(({ field }) => field)
    .filter((field) => field.endsWith('_id'))
  expect(new Set(ids).size).toBeGreaterThan(8)
  for (const id of ids) expect(page).toContain(`\`${id}\``)
})
