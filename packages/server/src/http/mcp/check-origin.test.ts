import { describe, expect, it } from 'vitest'
import { checkOrigin } from './check-origin.ts'

const publicUrl = 'https://ci.example.com/slipway'

describe('checkOrigin', () => {
  it.each([
    [undefined, 'ci.example.com', publicUrl],
    [undefined, 'anything.test', null],
    ['https://ci.example.com', 'internal:3000', publicUrl],
    ['http://127.0.0.1:3000', '127.0.0.1:3000', null],
    ['http://localhost:3000', 'localhost:3000', publicUrl],
    ['http://[::1]:3000', '[::1]:3000', null],
    ['https://192.0.2.7', '192.0.2.7', null],
  ])('lets %s ask %s', (origin, host, url) => {
    expect(() => checkOrigin({ origin, host }, url)).not.toThrow()
  })

  it.each([
    // A name that was rebound to this machine is both.
    ['http://evil.test:3000', 'evil.test:3000', null],
    ['http://evil.test:3000', 'evil.test:3000', publicUrl],
    ['http://evil.test', '127.0.0.1:3000', null],
    ['http://localhost.evil.test', 'localhost.evil.test', null],
    ['http://127.0.0.1.evil.test', '127.0.0.1.evil.test', null],
    ['http://localhost:5173', 'localhost:3000', null],
    ['http://ci.example.com', 'ci.example.com', publicUrl],
    ['https://ci.example.com.evil.test', 'ci.example.com', publicUrl],
    ['https://ci.example.com/slipway', 'ci.example.com', publicUrl],
    ['null', 'localhost:3000', publicUrl],
    ['', '', null],
  ])('does not let %s ask %s', (origin, host, url) => {
    expect(() => checkOrigin({ origin, host }, url)).toThrow('other sites')
  })
})
