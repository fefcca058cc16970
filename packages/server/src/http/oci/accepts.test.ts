import { describe, expect, it } from 'vitest'
import { accepts } from './accepts.ts'

const manifest = 'application/vnd.oci.image.manifest.v1+json'

describe('accepts', () => {
  it.each([
    [undefined, true],
    ['', true],
    ['*/*', true],
    ['text/html, application/*;q=0.1', true],
    [`text/html,${manifest.toUpperCase()}; q=0.5`, true],
    [`${manifest};q=0`, false],
    ['application/json', false],
    ['application/vnd.oci.image.index.v1+json', false],
  ])('%j: %s', (header, taken) => expect(accepts(header, manifest)).toBe(taken))
})
