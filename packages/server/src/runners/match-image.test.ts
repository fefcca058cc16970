import { describe, expect, it } from 'vitest'
import { isImageAllowed } from './match-image.ts'

const allows = (images: readonly string[], image: string) =>
  isImageAllowed({ image: 'ghcr.io/acme/runner:2', images }, image)

describe('isImageAllowed', () => {
  it('takes the image of the class and no other, where nothing is said', () => {
    expect(allows([], 'ghcr.io/acme/runner:2')).toBe(true)
    for (const other of ['ghcr.io/acme/runner', 'ghcr.io/acme/runner:3', 'runner:2', 'node:22']) {
      expect(allows([], other)).toBe(false)
    }
  })

  it.each([
    ['node:22', 'node:22'],
    ['node', 'node:latest'],
    ['node:22', 'docker.io/library/node:22'],
    ['docker.io/node:22', 'node:22'],
    ['index.docker.io/acme/tool', 'acme/tool:latest'],
    ['node:*', 'node:22-alpine'],
    ['acme/*', 'docker.io/acme/tool@sha256:0123'],
    ['ghcr.io/acme/*', 'ghcr.io/acme/a/b:1'],
    ['localhost/*', 'localhost/x'],
    ['127.0.0.1:5000/*', '127.0.0.1:5000/x:1'],
    ['*', 'anything/at:all'],
  ])('%s allows %s', (pattern, image) => {
    expect(allows([pattern], image)).toBe(true)
  })

  it.each([
    ['node:22', 'node:22-alpine'],
    ['node:*', 'nodejs:22'],
    ['node:*', 'evil.test/node:22'],
    ['node:*', 'acme/node:22'],
    ['ghcr.io/acme/*', 'ghcr.io/acme-other/x'],
    ['ghcr.io/acme/*', 'evil.test/ghcr.io/acme/x'],
    ['acme/*', 'acme.test/x'],
  ])('%s does not allow %s', (pattern, image) => {
    expect(allows([pattern], image)).toBe(false)
  })
})
