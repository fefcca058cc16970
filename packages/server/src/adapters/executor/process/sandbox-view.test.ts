import { describe, expect, it } from 'vitest'
import { searchPath } from './sandbox-view.ts'

describe('searchPath', () => {
  it('begins with the directory of node where the system does not have it', () => {
    expect(searchPath('/home/me/node/bin')).toMatch(/^\/home\/me\/node\/bin:\/usr\/local\/sbin:/)
  })

  it('keeps the system’s order where it has it', () => {
    expect(searchPath('/usr/bin')).toBe(
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    )
  })
})
