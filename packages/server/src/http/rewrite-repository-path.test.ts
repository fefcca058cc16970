import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rewriteRepositoryPath } from './rewrite-repository-path.ts'

describe('rewriteRepositoryPath', () => {
  it.each([
    ['/v1/releases/acme/shop/api', '/v1/releases/acme%2Fshop/api'],
    ['/v1/releases/acme/shop/api/42', '/v1/releases/acme%2Fshop/api/42'],
    ['/v1/releases/acme/shop/api?limit=5', '/v1/releases/acme%2Fshop/api?limit=5'],
    ['/v1/releases/acme/shop/api/42?x=a/b/c', '/v1/releases/acme%2Fshop/api/42?x=a/b/c'],
    ['/v1/releases/acme/shop/api/42/aliases/x', '/v1/releases/acme%2Fshop/api/42/aliases/x'],
    ['/v1/deployments/dev/acme/shop/api', '/v1/deployments/dev/acme%2Fshop/api'],
    ['/api/v2/pipelines/history/acme/shop', '/api/v2/pipelines/history/acme%2Fshop'],
    ['/api/v2/pipelines/history/acme/shop?page=1', '/api/v2/pipelines/history/acme%2Fshop?page=1'],
    ['/v1/deployments/dev/acme/shop/api/history', '/v1/deployments/dev/acme%2Fshop/api/history'],
  ])('joins the two parts of %s', (url, expected) => {
    expect(rewriteRepositoryPath(url)).toBe(expected)
  })

  it.each([
    '/v1/releases',
    '/v1/releases/',
    '/v1/releases/018f0000-0000-7000-8000-000000000000',
    '/v1/releases/018f0000-0000-7000-8000-000000000000?a=/b/c/d',
    '/v1/releases/acme/shop',
    '/v1/releases/acme%2Fshop/api',
    '/v1/releases/acme%2fshop/api/42',
    '/v1/releases/acme%2Fshop/api/42/aliases/x',
    '/v1/releases//shop/api',
    '/v1/releases/acme//api',
    '/v1/deployments/018f0000-0000-7000-8000-000000000000/status',
    '/v1/deployments/dev/acme/shop',
    '/v1/deployments/dev/acme%2Fshop/api/history',
    '/api/v2/pipelines/history/shop',
    '/api/v2/pipelines/history/acme%2Fshop',
    '/api/v2/pipelines/status',
    '/v1/runs/a/b/c',
    '/v1/releasesX/a/b/c',
    'http://example.com/v1/releases/a/b/c',
    '*',
  ])('leaves %s as it is', (url) => {
    expect(rewriteRepositoryPath(url)).toBe(url)
  })

  const part = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/)
  const rest = fc.array(part, { minLength: 1, maxLength: 4 })
  const query = fc.constantFrom('', '?limit=1', '?a=%2F/x/y', '?', '#x/y')
  const prefix = fc.constantFrom('/v1/releases/', '/v1/deployments/dev/')

  it('makes of the raw form what the encoded form is, which stays as it is', () => {
    fc.assert(
      fc.property(prefix, part, part, rest, query, (before, owner, name, more, after) => {
        const tail = `/${more.join('/')}${after}`
        const encoded = `${before}${owner}%2F${name}${tail}`
        expect(rewriteRepositoryPath(`${before}${owner}/${name}${tail}`)).toBe(encoded)
        expect(rewriteRepositoryPath(encoded)).toBe(encoded)
      }),
    )
  })

  it('changes one slash at most, whatever the path holds', () => {
    const piece = fc.constantFrom(
      'a',
      '..',
      '.',
      '%2F',
      '%252F',
      '%2e%2e',
      '%',
      '%zz',
      '',
      'ü',
      ';',
    )
    const path = fc.array(fc.array(piece, { maxLength: 3 }).map((all) => all.join('')))
    fc.assert(
      fc.property(prefix, path, query, (before, segments, after) => {
        const url = before + segments.join('/') + after
        const rewritten = rewriteRepositoryPath(url)
        expect(rewriteRepositoryPath(rewritten)).toBe(rewritten)
        if (rewritten === url) return
        const at = url.split('').findIndex((character, index) => rewritten[index] !== character)
        expect(url[at]).toBe('/')
        expect(rewritten).toBe(`${url.slice(0, at)}%2F${url.slice(at + 1)}`)
        expect(at).toBeLessThan(url.search(/[?#]|$/))
      }),
    )
  })
})
