import { expect, it } from 'vitest'
import type { Principal } from '../../ports/identity.ts'
import { createViews } from './views.ts'

const viewer = (repositories: string[] | null): Principal => ({
  id: 'x',
  name: 'x',
  roles: ['viewer'],
  repositories,
})

it('has one view for all who see the same, as long as somebody has it', () => {
  const views = createViews<string>()
  expect(views.add('a', viewer(['acme/shop', 'acme/web']))).toBe(true)
  expect(views.add('b', viewer(['Acme/Web', 'ACME/shop']))).toBe(true)
  expect(views.add('c', viewer(['acme/shop']))).toBe(true)
  // Who is there already comes only once, so that nothing need be looked up for whatever it says.
  expect(views.add('a', viewer(['acme/shop', 'acme/web']))).toBe(false)
  expect([...views.all()].map(({ clients }) => [...clients])).toEqual([['a', 'b'], ['c']])
  views.remove('c')
  views.remove('a')
  expect([...views.all()].map(({ clients }) => [...clients])).toEqual([['b']])
})

it('shows a principal its own repositories, in any case of letters, and none where it has none', () => {
  const views = createViews<string>()
  const seenBy = (repositories: string[] | null) => {
    views.add('x', viewer(repositories))
    const [view] = [...views.all()]
    views.remove('x')
    return ['acme/shop', 'acme/web'].filter((name) => view?.sees(name))
  }
  expect(seenBy(null)).toEqual(['acme/shop', 'acme/web'])
  expect(seenBy(['ACME/Shop'])).toEqual(['acme/shop'])
  expect(seenBy([])).toEqual([])
})
