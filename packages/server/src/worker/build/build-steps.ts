import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BuildStepKey } from '@slipway/contract/builds'
import { applyBranding } from '../../branding/index.ts'
import type { BuildAttempt, ProducedOutput } from '../../builds/index.ts'
import { applyConfiguration } from '../../configurations/index.ts'
import { AppError } from '../../errors.ts'
import type { GitLogin } from '../../git/index.ts'
import type { JobClaim } from '../../jobs/index.ts'
import type { ImageOutput } from '../../ports/image-engine.ts'
import { buildImage, type BuiltBuildImage } from './build-image.ts'
import type { BuildLog } from './build-log.ts'
import { cloneRepository } from './clone/clone-repository.ts'
import { createZip } from './create-zip.ts'
import type { BuildWorkDeps } from './deps.ts'
import { pushImage } from './push-image.ts'
import type { StepReporter } from './step-reporter.ts'

/** What the steps of an attempt share. */
export interface BuildWork {
  attempt: BuildAttempt
  claim: JobClaim
  /** Of the tree; made by clone_repo. */
  directory: string
  log: BuildLog
  reporter: StepReporter
  /** What must not be said; grows with what is opened. */
  secrets: string[]
  /** What there is so far. */
  made: {
    commitSha?: string
    zip?: Extract<ProducedOutput, { type: 'zip' }>
    image?: BuiltBuildImage
    pushed?: { url: string; digest: string }
  }
}

type Step = (deps: BuildWorkDeps, work: BuildWork, signal: AbortSignal) => Promise<void>

/** Does one step; what it makes is in `work.made` afterwards. */
export async function runBuildStep(
  deps: BuildWorkDeps,
  work: BuildWork,
  step: BuildStepKey,
  signal: AbortSignal,
): Promise<void> {
  await steps[step](deps, work, signal)
  await work.log.settled()
}

const steps: Readonly<Record<BuildStepKey, Step>> = {
  async clone_repo(deps, work, signal) {
    const { attempt, directory, log, reporter } = work
    const { remote, ref } = attempt.repository
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 })
    const { commitSha } = await cloneRepository(
      deps,
      {
        remote,
        ref,
        directory,
        note: log.note,
        progress: (percent) => reporter.progress('clone_repo', percent),
        timeoutMs: deps.timeouts.clone_repo,
      },
      signal,
    )
    work.made.commitSha = commitSha
    reporter.report({ step: 'clone_repo', status: 'running', progress: 100, commitSha })
  },

  async apply_branding(deps, { attempt, directory, log, reporter }, signal) {
    const { variables } = attempt
    const branding = required(attempt.branding, 'names no branding template')
    const progress = (percent: number) => reporter.progress('apply_branding', percent)
    const input = { directory, branding, variables, note: log.say, progress }
    await applyBranding(deps, input, signal)
  },

  async apply_config(_deps, { attempt, directory, log }, signal) {
    const { variables } = attempt
    const configuration = required(attempt.configuration, 'names no configuration')
    await applyConfiguration({ directory, configuration, variables, note: log.say }, signal)
  },

  async create_zip(deps, work, signal) {
    const { attempt, directory, log, reporter } = work
    const progress = (percent: number) => reporter.progress('create_zip', percent)
    work.made.zip = await createZip(deps, { attempt, directory, note: log.note, progress }, signal)
  },

  async build_image(deps, work, signal) {
    const { attempt, claim, directory, made } = work
    const commitSha = required(made.commitSha, 'has no commit')
    work.made.image = await withOutput(work, 'build_image', [], (output) =>
      buildImage(deps, { attempt, jobId: claim.id, directory, commitSha, output }, signal),
    )
  },

  async push_registry(deps, work, signal) {
    const { attempt, claim, made } = work
    const image = required(made.image, 'has no image')
    // The login is told only while this step is known to run.
    await work.reporter.settled(signal)
    const login = await deps.builds.openBuildRegistry({ buildId: attempt.buildId, claim })
    const secrets = login === null ? [] : [login.password]
    work.secrets.push(...secrets)
    made.pushed = await withOutput(work, 'push_registry', secrets, (output) =>
      pushImage(deps, { attempt, image, output, login }, signal),
    )
  },
}

async function withOutput<T>(
  { log, reporter }: BuildWork,
  step: BuildStepKey,
  secrets: readonly string[],
  action: (output: ImageOutput) => Promise<T>,
): Promise<T> {
  const output = log.output(secrets)
  try {
    return await action({
      write: output.write,
      progress: (percent) => reporter.progress(step, percent),
    })
  } finally {
    await output.end()
  }
}

/** What the control plane has checked that a build with such a step has. */
function required<T>(value: T | null | undefined, problem: string): T {
  if (value !== null && value !== undefined) return value
  throw new AppError('invalid_request', `The build ${problem}`)
}

/** The outputs of an attempt whose steps are all done. */
export function outputsOf({ made }: Pick<BuildWork, 'made'>): ProducedOutput[] {
  const { zip, image, pushed } = made
  const outputs: ProducedOutput[] = zip === undefined ? [] : [zip]
  if (image === undefined) return outputs
  const { imageId, sizeBytes } = image
  const url = pushed?.url ?? image.image
  return [
    ...outputs,
    { type: 'docker_image', url, imageId, digest: pushed?.digest ?? null, sizeBytes },
  ]
}

/** What of a remote's login must not be shown. */
export function secretsOf(login: GitLogin | null | undefined): string[] {
  if (login === null || login === undefined) return []
  if (login.kind === 'password') return [login.password]
  return [login.privateKey, ...(login.passphrase === null ? [] : [login.passphrase])]
}
