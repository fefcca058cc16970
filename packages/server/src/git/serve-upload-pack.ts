import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { gitEnvironment } from './run-git.ts'

export interface UploadPackInput {
  /** A bare repository on this machine. */
  directory: string
  /** Absent: it only says what there is. */
  request?: Readable
  /** As a client's `Git-Protocol` header has it; what is no version is ignored. */
  protocol: string | undefined
  /** Stops it. */
  signal: AbortSignal
  /** Milliseconds that all of it may take. */
  timeoutMs: number
}

/**
 * One turn of git's stateless protocol: nothing can be written by it. The answer is the output as it
 * comes; it breaks off with an error where git fails, is stopped or takes too long. Whoever destroys
 * it stops git.
 */
export function serveUploadPack(input: UploadPackInput): Readable {
  const { directory, request, protocol } = input
  const version = /^version=[0-2]$/.exec(protocol ?? '')?.[0]
  const child = spawn(
    'git',
    [
      // Our own marks name what may never be published.
      '-c',
      'uploadpack.hideRefs=refs/slipway',
      'upload-pack',
      '--stateless-rpc',
      '--strict',
      ...(request === undefined ? ['--advertise-refs'] : []),
      directory,
    ],
    {
      env: { ...gitEnvironment(''), ...(version === undefined ? {} : { GIT_PROTOCOL: version }) },
      stdio: ['pipe', 'pipe', 'ignore'],
      // Its own process group: what packs the objects must end with it.
      detached: true,
    },
  )
  const output = child.stdout
  const kill = () => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const stop = (why: string) => {
    kill()
    output.destroy(new Error(`git upload-pack ${why}`))
  }
  const onAbort = () => stop('was stopped')
  const timer = setTimeout(
    () => stop(`took longer than ${input.timeoutMs / 1000} s`),
    input.timeoutMs,
  )
  input.signal.addEventListener('abort', onAbort, { once: true })
  if (input.signal.aborted) onAbort()
  child.on('error', (error) => output.destroy(error))
  output.on('close', kill)
  child.on('close', (code) => {
    clearTimeout(timer)
    input.signal.removeEventListener('abort', onAbort)
    if (code !== 0) output.destroy(new Error(`git upload-pack ended with ${code}`))
  })
  child.stdin.on('error', () => undefined)
  if (request === undefined) child.stdin.end()
  else {
    request.on('error', () => stop('lost its request'))
    request.pipe(child.stdin)
  }
  return output
}
