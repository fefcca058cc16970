import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePath } from './parse-path.ts'
import { OciRefusal } from './refusal.ts'

const digest = `sha256:${'a'.repeat(64)}`
const component = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?$/)
const word = fc.oneof(component, fc.constantFrom('manifests', 'blobs', 'tags', 'list', 'referrers'))
const anyName = fc.array(word, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))

describe('parsePath', () => {
  it('finds the end of any name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(parsePath(`${name}/manifests/v1.0`)).toEqual({
          kind: 'manifest',
          name,
          reference: 'v1.0',
        })
        expect(parsePath(`${name}/manifests/${digest}`)).toMatchObject({ name, reference: digest })
        expect(parsePath(`${name}/blobs/${digest}`)).toEqual({ kind: 'blob', name, digest })
        expect(parsePath(`${name}/referrers/${digest}`)).toEqual({
          kind: 'referrers',
          name,
          digest,
        })
        expect(parsePath(`${name}/tags/list`)).toEqual({ kind: 'tags', name })
      }),
    )
  })

  it.each([
    ['a/blobs/uploads/', 404, 'UNSUPPORTED'],
    ['a/blobs/latest', 400, 'DIGEST_INVALID'],
    ['a/referrers/sha256:abc', 400, 'DIGEST_INVALID'],
    ['a/manifests/.hidden', 404, 'MANIFEST_UNKNOWN'],
    ['../a/manifests/v1', 400, 'NAME_INVALID'],
    ['A/tags/list', 400, 'NAME_INVALID'],
    ['/tags/list', 400, 'NAME_INVALID'],
    ['a', 404, 'UNSUPPORTED'],
  ])('refuses %s', (path, status, code) => {
    expect(() => parsePath(path)).toThrow(
      expect.objectContaining({ name: 'OciRefusal', status, code }),
    )
  })

  it('never fails in another way', () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        try {
          parsePath(path)
        } catch (error) {
          expect(error).toBeInstanceOf(OciRefusal)
        }
      }),
    )
  })
})
