import { expect, it } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { json, serve } from '../support/scripted-server.ts'

// More than one page of what builds refer to, which would take long to make for real.

const total = 230
const pageOf = (url: string) => {
  const query = new URL(url, 'http://x').searchParams
  const offset = Number(query.get('offset') ?? 0)
  const length = Math.min(Number(query.get('limit')), total - offset)
  return Array.from({ length }, (_, index) => {
    const id = offset + index + 1
    return { id, name: `n-${id}`, brand_name: null, replacement_rules: [], assets: [] }
  })
}

it.each([
  ['branding', 'templates'],
  ['configuration', 'configurations'],
])('%s list shows all, not the first page alone', async (command, list) => {
  const { baseUrl, seen } = await serve((response, request) => {
    const things = pageOf(request.url).map((one) => ({ ...one, settings: {}, targets: [] }))
    json(200, { success: true, [list]: things, count: total })(response, request)
  })
  const args = ['--url', baseUrl, '--token', 'x', command, 'list']
  const asJson = await runCli([...args, '--json'])
  const shown = JSON.parse(asJson.out)
  expect(shown.total).toBe(total)
  expect(shown[list].map(({ id }: { id: number }) => id)).toEqual(
    Array.from({ length: total }, (_, index) => index + 1),
  )
  expect(seen).toHaveLength(3)
  const asTable = await runCli(args)
  expect(asTable.code, asTable.err).toBe(0)
  expect(asTable.out.trimEnd().split('\n')).toHaveLength(1 + total)
})
