import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { createInbox } from './inbox.ts'

it('gives everything once and in order, then why there is no more', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 3_000 }), async (steps) => {
      const inbox = createInbox<number>(10_000, () => {})
      const taken: Promise<number>[] = []
      let put = 0
      // True: something comes; false: somebody takes, who then may have to wait. One at a time does.
      for (const isPut of steps) {
        if (isPut) inbox.put(put++)
        else if (taken.length < put) taken.push(inbox.take())
      }
      while (taken.length < put) taken.push(inbox.take())
      expect(await Promise.all(taken)).toEqual([...Array(put).keys()])
      const waiting = inbox.take()
      inbox.close(new Error('over'))
      inbox.close(new Error('later'))
      inbox.put(7)
      await expect(waiting).rejects.toThrow('over')
      await expect(inbox.take()).rejects.toThrow('over')
    }),
    { numRuns: 50 },
  )
})

it('is closed when it is full, and gives what it has', async () => {
  const onFull = vi.fn<() => void>()
  const inbox = createInbox<number>(3, onFull)
  for (const message of [1, 2, 3, 4]) inbox.put(message)
  expect(onFull).toHaveBeenCalledOnce()
  expect([await inbox.take(), await inbox.take(), await inbox.take()]).toEqual([1, 2, 3])
  await expect(inbox.take()).rejects.toMatchObject({ code: 'network_error', status: 0 })
})
