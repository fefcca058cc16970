import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../../errors.ts'
import type { Executor, ExecutionLimits } from '../../ports/executor.ts'

/** Bytes; an image of a whole distribution has some ten megabytes. */
const maxSbomBytes = 64 * 1024 * 1024
const scanMs = 5 * 60_000
const outputName = 'sbom.json'

/**
 * Has syft list what is in the content (CycloneDX, JSON), isolated as a step is and without a network.
 * What differs from time to time is taken out, so that equal content has equal bytes. Null, with the
 * reason said, where there is no syft or it comes to nothing: an SBOM is never why an artifact fails.
 */
export async function generateSbom(
  deps: {
    executor: Executor
    /** Where syft is; null where it is not. */
    findSyft: () => Promise<string | null>
    stepLimits: Omit<ExecutionLimits, 'timeoutMs'>
    say: (line: string) => Promise<void>
  },
  input: { id: string; isImage: boolean; path: string; directory: string; madeAt: Date },
  signal: AbortSignal,
): Promise<Buffer | null> {
  const syft = await deps.findSyft()
  if (syft === null) {
    await deps.say('No SBOM: syft is not installed on this worker')
    return null
  }
  const workspace = join(input.directory, 'sbom')
  await mkdir(workspace)
  // A docker-archive is told from an OCI one by syft itself.
  const source = input.isImage ? input.path : `file:${input.path}`
  let said = ''
  const starting = deps.executor.start(
    {
      id: input.id,
      argv: [syft, 'scan', '--quiet', '--output', `cyclonedx-json=${outputName}`, source],
      workspace,
      cwd: '.',
      cache: null,
      readOnly: [dirname(input.path), dirname(syft)],
      env: { SYFT_CHECK_FOR_APP_UPDATE: 'false' },
      network: 'none',
      image: null,
      limits: { ...deps.stepLimits, timeoutMs: scanMs },
    },
    {
      write: (chunk) => {
        said = (said + chunk.toString('utf8')).slice(-2000)
      },
    },
  )
  const execution = await starting.catch((error: unknown) => {
    // Steps may run where this machine's syft is not.
    if (error instanceof AppError && error.code === 'invalid_request') return error
    throw error
  })
  if (execution instanceof AppError) {
    await deps.say(`No SBOM: ${execution.message}`)
    return null
  }
  const stop = () => execution.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const end = await execution.done
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (end.exitCode !== 0) {
    const [line = ''] = said.trim().split('\n').slice(-1)
    await deps.say(`No SBOM: syft ended with ${end.reason ?? end.exitCode}. ${line}`)
    return null
  }
  return readSbom(join(workspace, outputName), input.madeAt, deps.say)
}

async function readSbom(
  path: string,
  madeAt: Date,
  say: (line: string) => Promise<void>,
): Promise<Buffer | null> {
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isFile() || found.size > maxSbomBytes) {
    await say('No SBOM: syft wrote none, or one that is too large')
    return null
  }
  try {
    const sbom = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    if (sbom['bomFormat'] !== 'CycloneDX') throw new Error('another format')
    const { serialNumber: _, ...rest } = sbom
    const metadata = { ...(rest['metadata'] as object), timestamp: madeAt.toISOString() }
    return Buffer.from(JSON.stringify({ ...rest, metadata }))
  } catch {
    await say('No SBOM: what syft wrote is no CycloneDX document')
    return null
  }
}
