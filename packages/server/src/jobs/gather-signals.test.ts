import { expect, it } from 'vitest'
import { gatherSignals } from './gather-signals.ts'

it('says once what was said often, what is to stop first', () => {
  const gathered = gatherSignals()
  gathered.add({ type: 'queued', types: ['task'] })
  gathered.add({ type: 'queued', types: ['task', 'build'] })
  gathered.add({ type: 'drain' })
  gathered.add({ type: 'stopped', jobs: ['a'] })
  gathered.add({ type: 'stopped', jobs: ['b', 'a'] })
  expect(gathered.take()).toEqual([
    { type: 'stopped', jobs: ['a', 'b'] },
    { type: 'queued', types: ['task', 'build'] },
    { type: 'drain' },
  ])
  expect(gathered.take()).toEqual([])
})

it('says that anything may be queued or stopped where that was said, or where it is much', () => {
  const gathered = gatherSignals()
  gathered.add({ type: 'queued', types: null })
  gathered.add({ type: 'queued', types: ['task'] })
  gathered.add({ type: 'stopped', jobs: Array.from({ length: 1_001 }, (_, n) => String(n)) })
  gathered.add({ type: 'stopped', jobs: ['one more'] })
  expect(gathered.take()).toEqual([
    { type: 'stopped', jobs: null },
    { type: 'queued', types: null },
  ])
})
