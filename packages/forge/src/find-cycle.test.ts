import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findCycle } from './find-cycle.ts'

test('finds a step that needs itself, and a longer circle', () => {
  expect(findCycle(new Map([['a', ['a']]]))).toEqual(['a'])
  const circle = new Map([
    ['start', ['a']],
    ['a', ['b', 'gone']],
    ['b', ['c']],
    ['c', ['a']],
  ])
  expect(findCycle(circle)).toEqual(['a', 'b', 'c'])
})

const names = Array.from({ length: 12 }, (_, index) => `s${index}`)

function graph(edges: [number, number][]): Map<string, string[]> {
  const needs = new Map<string, string[]>(names.map((name) => [name, []]))
  for (const [from, to] of edges) needs.get(names[from]!)!.push(names[to]!)
  return needs
}

const edge = fc.tuple(fc.nat(11), fc.nat(11))

test('a graph whose edges all point backwards has no cycle', () => {
  const backwards = fc.array(
    edge.filter(([from, to]) => from > to),
    { maxLength: 40 },
  )
  fc.assert(fc.property(backwards, (edges) => findCycle(graph(edges)) === null))
})

test('what is reported is a cycle, and nothing is reported only when there is an order', () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 30 }), (edges) => {
      const needs = graph(edges)
      const cycle = findCycle(needs)
      if (cycle === null) {
        expect(orderable(needs)).toBe(true)
      } else {
        cycle.forEach((name, index) => {
          expect(needs.get(name)).toContain(cycle[(index + 1) % cycle.length])
        })
        expect(new Set(cycle).size).toBe(cycle.length)
      }
    }),
  )
})

test('a chain of a hundred thousand is no recursion', () => {
  const chain = new Map(
    Array.from({ length: 100_000 }, (_, index) => [`${index}`, [`${index + 1}`]]),
  )
  expect(findCycle(chain)).toBeNull()
})

function orderable(needs: Map<string, string[]>): boolean {
  const done = new Set<string>()
  for (let before = -1; before < done.size;) {
    before = done.size
    for (const [name, list] of needs) if (list.every((need) => done.has(need))) done.add(name)
  }
  return done.size === needs.size
}
