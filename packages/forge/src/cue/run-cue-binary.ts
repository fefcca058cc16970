import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import {
  type CueEvaluator,
  type CueLimits,
  type CueOutcome,
  noTimeLeft,
  tookTooLong,
} from './evaluator.ts'
import { explainCueError } from './explain-cue-error.ts'

const outputBytes = 4 * 1024 * 1024
const addressSpaceKib = 4 * 1024 * 1024
// The limit is set by a shell because Node cannot; all values are arguments, none is script.
const withLimit = 'ulimit -v "$1" && shift && exec "$@"'

/** Absolute path of the `cue` command in a PATH-like list of directories, or null. */
export async function findCueBinary(searchPath: string): Promise<string | null> {
  for (const directory of searchPath.split(delimiter)) {
    const candidate = join(directory, 'cue')
    if (isAbsolute(directory) && (await isExecutable(candidate))) return candidate
  }
  return null
}

/**
 * CUE by the `cue` command, each file alone in an empty directory: no modules, no registry,
 * no environment of ours. `binary` is an absolute path.
 */
export function createCueBinary(
  binary: string,
  limits: CueLimits,
  signal?: AbortSignal,
): CueEvaluator {
  let spentMs = 0

  async function evaluate(source: string): Promise<CueOutcome> {
    signal?.throwIfAborted()
    const leftMs = limits.totalMs - spentMs
    if (leftMs <= 0) return noTimeLeft(limits.totalMs)
    const started = performance.now()
    const directory = await mkdtemp(join(tmpdir(), 'slipway-cue-'))
    try {
      await writeFile(join(directory, 'input.cue'), source)
      return await run(binary, directory, Math.min(limits.fileMs, leftMs), signal)
    } finally {
      spentMs += performance.now() - started
      await rm(directory, { recursive: true, force: true })
    }
  }

  return { evaluate, close: async () => {} }
}

function run(
  binary: string,
  directory: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<CueOutcome> {
  return new Promise((resolve, reject) => {
    execFile(
      '/bin/sh',
      ['-c', withLimit, 'sh', `${addressSpaceKib}`, binary, 'export', '--out', 'json', 'input.cue'],
      {
        cwd: directory,
        env: { HOME: directory, CUE_CACHE_DIR: directory, CUE_REGISTRY: 'none' },
        timeout: Math.ceil(timeoutMs),
        killSignal: 'SIGKILL',
        maxBuffer: outputBytes,
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ ok: true, json: stdout })
        else if (signal?.aborted === true) {
          // The caller's own reason, whatever it is.
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors
          reject(signal.reason)
        } else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
          resolve(refused('The file expands to more than 4 MiB of JSON.'))
        } else if (error.killed === true) resolve(tookTooLong(timeoutMs))
        else if (error.code === 126 || error.code === 127) {
          reject(new Error(`${binary} cannot be run`, { cause: error }))
        } else if (
          typeof error.code === 'number' &&
          !/out of memory/.test(stderr.slice(0, 4_096))
        ) {
          resolve({ ok: false, problem: explainCueError(stderr.trim()) })
        } else resolve(refused('The file needs too much memory to be evaluated.'))
      },
    )
  })
}

function refused(message: string): CueOutcome {
  return { ok: false, problem: { path: '', message } }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
