import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runGit } from './run-git.ts'

const run = (script: string, signal = new AbortController().signal) =>
  runGit(['-c', `alias.test=!${script}`, 'test'], { cwd: tmpdir(), signal })

describe('runGit', () => {
  it('ends with git, although a helper in a session of its own keeps the output open', async () => {
    const { code, stdout } = await run('setsid sleep 60 & echo $!')
    onTestFinished(() => void process.kill(Number(stdout.toString())))
    expect(code).toBe(0)
  }, 10_000)

  it('kills what does not end when it is asked to', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-git-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const file = join(root, 'pid')
    const read = (path: string) => readFile(path, 'utf8').catch(() => '')
    const stop = new AbortController()
    const running = run(`trap '' TERM; echo $$ > ${file}; sleep 60; true`, stop.signal)
    await expect.poll(() => read(file)).toMatch(/\n/)
    stop.abort()
    await expect(running).rejects.toThrow('git was stopped')
    const pid = (await read(file)).trim()
    // Empty for one that has ended.
    await expect.poll(() => read(`/proc/${pid}/cmdline`)).toBe('')
  }, 15_000)

  it('lets ssh use neither a configuration, nor an agent, nor a connection that stays', async () => {
    const { stdout } = await run('echo "$GIT_SSH_COMMAND"')
    const command = stdout.toString()
    expect(command).toContain('-F /dev/null')
    for (const option of [
      'IdentityAgent=none',
      'BatchMode=yes',
      'ControlMaster=no',
      'ControlPath=none',
      'StrictHostKeyChecking=yes',
    ]) {
      expect(command).toContain(`-o ${option}`)
    }
  })
})
