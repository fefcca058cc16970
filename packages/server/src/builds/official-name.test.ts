import { expect, it } from 'vitest'
import { officialName } from './official-name.ts'

it.each([
  ['https://github.com/open-webui/open-webui', 'open-webui/open-webui'],
  ['https://github.com/open-webui/open-webui.git/', 'open-webui/open-webui'],
  ['git@github.com:user/open-webui.git', 'user/open-webui'],
  ['ssh://git@git.test:22/a/b/c.git', 'b/c'],
  ['file:///srv/git/open-webui.git', 'git/open-webui'],
  ['https://git.test/one%2Etwo', 'one.two'],
  ['https://git.test/%zz/x', '%zz/x'],
])('names %s', (url, name) => {
  expect(officialName(url)).toBe(name)
})
