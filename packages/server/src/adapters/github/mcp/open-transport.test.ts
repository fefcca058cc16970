import { expect, it } from 'vitest'
import { hostOf } from './open-transport.ts'

it.each([
  ['https://api.github.com', null],
  ['https://api.github.com/', null],
  ['https://git.example.com/api/v3', 'https://git.example.com'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['https://api.octocorp.ghe.com', 'https://octocorp.ghe.com'],
  ['https://api.example.com/api/v3', 'https://api.example.com'],
])('calls the GitHub whose API is at %s %s', (apiUrl, host) => {
  expect(hostOf(apiUrl)).toBe(host)
})
