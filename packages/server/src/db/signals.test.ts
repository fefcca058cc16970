import { expect, test } from 'vitest'
import { createLocalSignals } from './signals.ts'

const said: unknown[] = []
const log = { info() {}, warn() {}, error: (details: object) => void said.push(details) }
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a signal reaches the listeners of its channel, and no other', async () => {
  const signals = createLocalSignals(log)
  const heard: unknown[] = []
  signals.on('jobs', (payload) => heard.push(['jobs', payload]))
  signals.on('jobs', (payload) => heard.push(['also', payload]))
  signals.on('events', (payload) => heard.push(['events', payload]))
  signals.notify('jobs', 'build')
  signals.notify('jobs')
  expect(heard).toEqual([])
  await turn()
  expect(heard).toEqual([
    ['jobs', 'build'],
    ['also', 'build'],
    ['jobs', ''],
    ['also', ''],
  ])
})

test('a listener that has gone hears nothing, not even what is under way', async () => {
  const signals = createLocalSignals(log)
  const heard: unknown[] = []
  const off = signals.on('jobs', (payload) => heard.push(payload))
  signals.on('jobs', (payload) => heard.push(`other ${payload}`))
  signals.notify('jobs', 'a')
  off()
  off()
  await turn()
  expect(heard).toEqual(['other a'])
  signals.notify('jobs', 'b')
  await signals.close()
  await turn()
  expect(heard).toEqual(['other a'])
})

test('a listener that throws is logged and keeps nobody from hearing', async () => {
  const signals = createLocalSignals(log)
  const heard: unknown[] = []
  const failure = new Error('broken')
  signals.on('jobs', () => {
    throw failure
  })
  signals.on('jobs', (payload) => heard.push(payload))
  signals.notify('jobs', 'a')
  await turn()
  expect(heard).toEqual(['a'])
  expect(said).toEqual([{ err: failure, channel: 'jobs' }])
})

test('what PostgreSQL could not carry is refused everywhere', () => {
  const signals = createLocalSignals(log)
  expect(() => signals.notify('jobs', 'ä'.repeat(2_001))).toThrow(RangeError)
  expect(() => signals.notify('Jobs; drop table runs')).toThrow(RangeError)
})
