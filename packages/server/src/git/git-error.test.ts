import { describe, expect, it } from 'vitest'
import { explainGitFailure } from './git-error.ts'

describe('explainGitFailure', () => {
  it('knows a commit that is not there', () => {
    const error = explainGitFailure('fatal: remote error: upload-pack: not our ref abc', 'abc')
    expect(error).toMatchObject({ permanent: true })
    expect(error.message).toContain('no such commit')
  })

  it('knows a repository that is not there', () => {
    const error = explainGitFailure(
      "fatal: '/x.git' does not appear to be a git repository\n",
      'abc',
    )
    expect(error).toMatchObject({ permanent: true })
    expect(error.message).toContain('no such repository')
  })

  it('takes a missing file for a missing repository only where that is one', () => {
    const stderr = 'fatal: cannot open shallow: No such file or directory'
    expect(explainGitFailure(stderr, 'abc', 'file:///x.git').permanent).toBe(true)
    expect(explainGitFailure(stderr, 'abc', 'https://git.test/x.git').permanent).toBe(false)
    expect(explainGitFailure(stderr, 'abc').permanent).toBe(false)
  })

  it.each([
    ['fatal: Authentication failed for https://git.test/x.git/', 'access was denied'],
    ['git@git.test: Permission denied (publickey).\nfatal: Could not read', 'access was denied'],
    ['No ED25519 host key is known for git.test', 'host key of the server is not known'],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', 'another host key'],
  ])('knows that %j will not pass', (stderr, message) => {
    const error = explainGitFailure(stderr, 'abc', 'https://git.test/x.git')
    expect(error.permanent).toBe(true)
    expect(error.message).toContain(message)
  })

  it('shows what ssh says, where git only says that it could not read', () => {
    const stderr =
      'ssh: Could not resolve hostname git.test: Name or service not known\nfatal: Could not read from remote repository.\n'
    expect(explainGitFailure(stderr, 'abc').message).toBe(
      'abc: ssh: Could not resolve hostname git.test: Name or service not known',
    )
  })

  it('takes a missing right on a file of our own for a fault that may pass', () => {
    const error = explainGitFailure('error: objects: Permission denied', 'abc')
    expect(error.permanent).toBe(false)
  })

  it('takes anything else for a fault that may pass', () => {
    const error = explainGitFailure(
      'fatal: unable to access: Could not resolve host: git.test',
      'abc',
    )
    expect(error.permanent).toBe(false)
  })

  it('shows no credential', () => {
    const error = explainGitFailure(
      "fatal: unable to access 'https://bob:hunter2@git.test/x.git/'",
      'abc',
    )
    expect(error.message).not.toContain('hunter2')
    expect(error.message).not.toContain('bob')
  })
})
