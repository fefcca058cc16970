import { workerLimits } from '@slipway/contract/worker-api'
import { expect, it } from 'vitest'
import { sendableText } from './sendable-text.ts'

it('takes out what the API refuses, and nothing else', () => {
  expect(sendableText('a\0b\ud800c\udc00 😀\n')).toBe('a\ufffdb\ufffdc\ufffd 😀\n')
})

it('cuts off what is too long, also in the middle of a pair', () => {
  expect(sendableText('x'.repeat(70_000))).toHaveLength(workerLimits.errorLength)
  expect(sendableText('ab😀', 3)).toBe('ab\ufffd')
})
