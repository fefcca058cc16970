import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settings } from '../../packages/server/src/config/settings.ts'
import { codeSpans, repositoryRoot } from '../support/markdown.ts'

const read = (path: string) => readFile(join(repositoryRoot, path), 'utf8')

describe('docs/operations.md', () => {
  it('names only settings of servers, or of the compose file', async () => {
    const example = await read('deploy/compose/.env.example')
    const ofCompose = [...example.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
    const known = new Set<string | undefined>([...Object.keys(settings), ...ofCompose])
    const named = codeSpans(await read('docs/operations.md')).flatMap(
      (code) => code.match(/^[A-Z][A-Z0-9]*_[A-Z0-9_]+/) ?? [],
    )
    expect(named).toEqual(expect.arrayContaining(['DATABASE_URL', 'KEYCLOAK_URL', 'S3_BUCKET']))
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('names the ports that the compose file opens', async () => {
    const compose = await read('deploy/compose/compose.yaml')
    const page = await read('docs/operations.md')
    const [, table = ''] = page.split('| port | what |')
    const shown = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (\d+) \|/gm)].map(
      ([, port]) => port,
    )
    expect(shown.length).toBe(4)
    for (const port of shown) {
      expect(compose).toMatch(new RegExp(`127\\.0\\.0\\.1\\}:(\\$\\{\\w+:-)?${port}\\}?:`))
    }
  })
})
