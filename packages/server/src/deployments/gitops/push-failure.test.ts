import { describe, expect, it } from 'vitest'
import { judgePush, withoutSecrets } from './push-failure.ts'

const context = { remote: 'git.test/ops.git', secrets: ['s3cret-pass'] }
const judge = (stdout: string, stderr = '') => judgePush({ stdout, stderr }, context)
const line = (reason: string) =>
  `To https://git.test/ops.git\n!\ta:refs/heads/main\t${reason}\nDone`

describe('judgePush', () => {
  it.each([
    '[rejected] (fetch first)',
    '[rejected] (non-fast-forward)',
    '[rejected] (stale info)',
    "[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
    '[remote rejected] (failed to update ref)',
    '[remote rejected] (incorrect old value provided)',
  ])('takes %s for a lost race', (reason) => expect(judge(line(reason))).toBe('moved'))

  it('shows what a hook said, and knows that nothing arrived', () => {
    const error = judge(
      line('[remote rejected] (pre-receive hook declined)'),
      'remote: Only on weekdays.        \nerror: failed to push some refs',
    )
    expect(error).toMatchObject({
      message:
        'git.test/ops.git did not take the commit: Only on weekdays.; [remote rejected] (pre-receive hook declined)',
      mayHaveArrived: false,
    })
  })

  it.each([
    "fatal: unable to access 'https://git.test/ops.git/': Could not resolve host: git.test",
    'fatal: Authentication failed for https://git.test/ops.git',
    'ssh: connect to host git.test port 22: Connection refused',
    'ssh: connect to host git.test port 22: Connection timed out',
    'error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403',
  ])('knows that nothing arrived: %s', (stderr) =>
    expect(judge('', stderr)).toMatchObject({ mayHaveArrived: false }),
  )

  it('does not know what became of a push whose answer was cut off', () => {
    const cut = judge('', 'fatal: the remote end hung up unexpectedly')
    expect(cut).toMatchObject({ mayHaveArrived: true })
    const failed = judge(line('[remote failure] (remote failed to report status)'))
    expect(failed).toMatchObject({ mayHaveArrived: true })
  })

  it.each([
    'error: RPC failed; curl 56 Recv failure: Connection timed out',
    'error: RPC failed; curl 28 Operation timed out after 30001 milliseconds with 0 bytes received',
    'Read from remote host git.test: Connection timed out\r\nclient_loop: send disconnect: Broken pipe',
  ])('does not know what became of a push after which the remote fell silent: %s', (stderr) =>
    expect(judge('', `${stderr}\nfatal: the remote end hung up unexpectedly`)).toMatchObject({
      mayHaveArrived: true,
    }),
  )

  it('shows no credential, in whatever form the remote repeats it', () => {
    const encoded = Buffer.from('s3cret-pass').toString('base64')
    const text = `https://bob:hunter22@git.test/ s3cret-pass Basic ${encoded}`
    expect(withoutSecrets(text, context.secrets)).toBe('https://git.test/ *** Basic ***')
  })
})
