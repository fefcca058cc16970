import { expect, test } from 'vitest'
import { readServerPublishers } from './read-server-publishers.ts'

test('reads publishers of every type, a directory of the server among them', () => {
  const value = {
    images: { type: 'oci', registry: 'registry.example.com', credentials: 'push' },
    downloads: { type: 'filesystem', path: '/srv/downloads', repositories: ['acme/*'] },
  }
  expect(readServerPublishers(value)).toEqual({
    problems: [],
    publishers: [
      {
        name: 'images',
        type: 'oci',
        credentials: 'push',
        with: { registry: 'registry.example.com' },
        repositories: null,
      },
      {
        name: 'downloads',
        type: 'filesystem',
        credentials: null,
        with: { path: '/srv/downloads' },
        repositories: ['acme/*'],
      },
    ],
  })
})

test.each([
  [{ x: { type: 'filesystem' } }, '/x', 'needs the key "path"'],
  [{ x: { type: 'filesystem', path: 'srv' } }, '/x/path', 'must be an absolute path'],
  [{ x: { type: 'filesystm', path: '/srv' } }, '/x/type', 'Did you mean "filesystem"?'],
  [{ x: { type: 'npm', repositories: ['acme'] } }, '/x/repositories/0', 'owner/name, or owner/*'],
  [{ 'a/b': { type: 'npm' } }, '/a~1b', 'The key must be a name'],
  [[], '', 'must be an object'],
])('%j is a problem at %s', (value, path, message) => {
  expect(readServerPublishers(value)).toMatchObject({
    publishers: [],
    problems: [{ path, message: expect.stringContaining(message) }],
  })
})
