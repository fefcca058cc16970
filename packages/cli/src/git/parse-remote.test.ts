import { expect, it } from 'vitest'
import { parseRemote } from './parse-remote.ts'

it.each([
  ['https://github.com/acme/shop.git', 'acme/shop'],
  ['https://user:secret@git.example.com/group/acme/shop/', 'acme/shop'],
  ['git@github.com:acme/shop.git', 'acme/shop'],
  ['ssh://git@example.com:2222/acme/shop', 'acme/shop'],
  ['file:///srv/git/acme/shop.git', 'acme/shop'],
  ['/srv/git/acme/shop.git', 'acme/shop'],
  ['../shop', null],
  ['shop', null],
  ['https://github.com/', null],
  ['git@github.com:shop.git', null],
  ['https://github.com/acme/a%20b', null],
])('%s is %s', (url, repository) => {
  expect(parseRemote(url)).toBe(repository)
})
