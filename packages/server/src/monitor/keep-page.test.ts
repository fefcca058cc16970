import { expect, it } from 'vitest'
import { createMemos } from './deps.ts'
import { keepPage } from './keep-page.ts'

it('keeps pages that show little, and asks again for one that shows more than may be kept', async () => {
  const { pages } = createMemos()
  let asked = 0
  const ask = (partsOfRow: number) =>
    keepPage(pages, {
      key: ['page', partsOfRow],
      version: 1,
      now: new Date(),
      find: async () => {
        asked += 1
        return Array.from({ length: 100 }, (_, id) => ({ id }))
      },
      show: ({ id }) => ({ id, parts: partsOfRow }),
      goodUntil: () => Number.POSITIVE_INFINITY,
      parts: () => partsOfRow,
    })
  const first = await ask(1_000)
  expect((await ask(1_000))[99]).toBe(first[99])
  expect(asked).toBe(1)
  await ask(1_001)
  expect(await ask(1_001)).toHaveLength(100)
  expect(asked).toBe(3)
})
