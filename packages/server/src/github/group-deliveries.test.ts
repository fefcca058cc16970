import { expect, it } from 'vitest'
import { groupDeliveries } from './group-deliveries.ts'

const told = (number: number, repository: string, id: number) => ({
  number,
  repository,
  wanted: { repository: { id } },
})
const numbers = (...deliveries: ReturnType<typeof told>[]) =>
  groupDeliveries(deliveries).map((group) => group.map(({ number }) => number))

it('keeps apart what is about different repositories, in the order in which it came', () => {
  expect(
    numbers(told(1, 'acme/a', 1), told(2, 'acme/b', 2), told(3, 'Acme/A', 1), told(4, 'acme/b', 2)),
  ).toEqual([
    [1, 3],
    [2, 4],
  ])
})

it('keeps together what is about one repository under its old and its new name', () => {
  expect(numbers(told(1, 'acme/a', 1), told(2, 'acme/new', 1), told(3, 'acme/new', 1))).toEqual([
    [1, 2, 3],
  ])
})

it('keeps together repositories that had one name, also where that shows late', () => {
  expect(
    numbers(
      told(1, 'acme/a', 1),
      told(2, 'acme/b', 2),
      told(3, 'acme/c', 3),
      told(4, 'acme/a', 2),
      told(5, 'acme/b', 4),
    ),
  ).toEqual([[1, 2, 4, 5], [3]])
})
