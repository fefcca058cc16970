import { expect, it } from 'vitest'
import { createOrders } from './orders.ts'

it('asks for more each time, and never for less', () => {
  const orders = createOrders()
  const heard: string[] = []
  orders.follow((order) => void heard.push(order))
  orders.giveNext()
  orders.giveNext()
  orders.give('drain')
  orders.giveNext()
  orders.giveNext()
  expect(heard).toEqual(['drain', 'stop', 'kill'])
  expect(orders.current).toBe('kill')
})

it('tells who comes late what holds, and nobody who has left', () => {
  const orders = createOrders()
  orders.give('stop')
  const heard: string[] = []
  const leave = orders.follow((order) => void heard.push(order))
  leave()
  orders.give('kill')
  expect(heard).toEqual(['stop'])
})
