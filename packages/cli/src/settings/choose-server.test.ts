import { describe, expect, it } from 'vitest'
import { CliError } from '../cli-error.ts'
import { chooseServer } from './choose-server.ts'

const config = {
  current: 'home',
  servers: new Map([
    ['home', { url: 'http://home:3000', token: 'home-token' }],
    ['work', { url: 'https://work.example.com/slipway', token: 'work-token' }],
    ['open', { url: 'http://open', token: undefined }],
  ]),
}
const none = { current: undefined, servers: new Map() }
const choose = (input: Partial<Parameters<typeof chooseServer>[0]>) =>
  chooseServer({ flags: {}, env: {}, config, ...input })

describe('chooseServer', () => {
  it('takes flags before the environment before the file', () => {
    const env = { SLIPWAY_URL: 'http://env', SLIPWAY_TOKEN: 'env-token' }
    expect(choose({})).toMatchObject({ url: 'http://home:3000', token: 'home-token' })
    expect(choose({ env })).toMatchObject({ url: 'http://env', token: 'env-token' })
    const flags = { url: 'http://flag', token: 'flag-token' }
    expect(choose({ env, flags })).toMatchObject({ url: 'http://flag', token: 'flag-token' })
    expect(choose({ env, flags: { server: 'work' } })).toMatchObject({
      url: 'https://work.example.com/slipway',
      token: 'work-token',
    })
  })

  it('falls back to this machine', () => {
    const choice = { url: 'http://127.0.0.1:3000', token: undefined, isDefault: true }
    expect(choose({ config: none })).toEqual(choice)
    expect(choose({}).isDefault).toBe(false)
  })

  it('sends a token of the file to its own server only', () => {
    expect(choose({ flags: { url: 'http://elsewhere' } }).token).toBeUndefined()
    expect(choose({ env: { SLIPWAY_URL: 'http://elsewhere' } }).token).toBeUndefined()
    expect(choose({ flags: { url: 'https://work.example.com/slipway/' } }).token).toBe('work-token')
  })

  it('does not give the token of the environment to a server that was named without one', () => {
    const env = { SLIPWAY_TOKEN: 'env-token' }
    expect(choose({ env, flags: { server: 'open' } }).token).toBeUndefined()
  })

  it.each([
    { flags: { server: 'nowhere' } },
    { flags: { url: 'localhost:3000' } },
    { flags: { url: 'file:///etc/passwd' } },
    { flags: { server: 'home', url: 'http://x' } },
  ])('refuses %o', (input) => {
    expect(() => choose(input)).toThrow(CliError)
  })
})
