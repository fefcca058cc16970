import { once } from 'node:events'
import { join } from 'node:path'
import type { BuildJob } from '@slipway/contract/jobs'
import type { BuildAttempt, BuildResult } from '../builds/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { LogWriter } from '../logs/index.ts'
import { type ClaimedJob, JobAborted, type JobOutcome } from '../ports/job-bus.ts'
import { compileMasks } from '../secrets/index.ts'
import { openBuildLog } from './build/build-log.ts'
import { type BuildWork, outputsOf, runBuildStep, secretsOf } from './build/build-steps.ts'
import { asked, completeBuild, Refused } from './build/complete-build.ts'
import type { BuildWorkDeps } from './build/deps.ts'
import { explainFailure } from './build/explain-failure.ts'
import { discardOutputs, removeImage, removeLeftovers } from './build/remove-leftovers.ts'
import { runSteps } from './build/run-steps.ts'
import { createStepReporter } from './build/step-reporter.ts'
import { removeWorkspace } from './workspace.ts'

/**
 * Does one attempt at a build: its steps in their order, in a folder of its own, everything said in the
 * build's log. The first failure ends the build, and nothing that the attempt made stays then. What an
 * attempt leaves whose worker dies, the next one removes.
 */
export async function runBuild(
  deps: BuildWorkDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { build_id: buildId } = job.payload as BuildJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  try {
    const attempt = await asked(deps.builds.beginBuild({ buildId, claim }))
    if (attempt.number > 1) await removeLeftovers(deps, attempt, claim.id)
    await keepLog(deps, { attempt, claim }, signal)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    deps.log.debug({ build_id: buildId, err: error.cause }, 'the build was no longer ours')
  }
  return { state: 'settled' }
}

/** Does the attempt with its log open, which is closed for good where the build is over. */
async function keepLog(
  deps: BuildWorkDeps,
  input: { attempt: BuildAttempt; claim: JobClaim },
  signal: AbortSignal,
): Promise<void> {
  const { attempt, claim } = input
  const secrets = secretsOf(attempt.repository.remote.login)
  const writer = await deps.logs.open(attempt.logKey, {
    secrets,
    stampLines: true,
    ...(attempt.number === 1 ? { isNew: true } : { marker: `--- attempt ${attempt.number} ---` }),
  })
  const folder = join(deps.workDirectory, `build-${claim.id}-${claim.attempt}`)
  let isOver = false
  try {
    await doAttempt(deps, { ...input, writer, folder, secrets }, signal)
    isOver = true
  } catch (error) {
    const last = await lastLine(signal, error)
    isOver = last !== null
    if (last !== null) await writer.note(last).catch(() => undefined)
    throw error
  } finally {
    if (isOver) {
      writer
        .seal()
        .catch((error: unknown) => deps.log.error({ err: error }, 'a log could not be sealed'))
    } else await writer.suspend()
    await removeWorkspace(folder).catch((error: unknown) =>
      deps.log.warn({ err: error, folder }, 'a workspace could not be removed'),
    )
  }
}

/** Milliseconds in which a worker is told why its build was taken away, where it was refused first. */
const reasonMs = 1_000

/** What the log says of an attempt that was stopped, if that was the end of the build. */
async function lastLine(signal: AbortSignal, error: unknown): Promise<string | null> {
  if (error instanceof Refused && !signal.aborted) {
    const late = AbortSignal.timeout(reasonMs)
    await once(AbortSignal.any([signal, late]), 'abort')
  }
  const why = signal.reason instanceof JobAborted ? signal.reason.why : null
  if (why === 'cancelled') return 'Pipeline execution cancelled.'
  if (why === 'expired') return 'Pipeline execution stopped: its time is over.'
  return null
}

/** Rejects with the reason of `signal`, with `Refused`, or where another attempt may help. */
async function doAttempt(
  deps: BuildWorkDeps,
  input: {
    attempt: BuildAttempt
    claim: JobClaim
    writer: LogWriter
    folder: string
    secrets: string[]
  },
  signal: AbortSignal,
): Promise<void> {
  const { attempt, claim, writer, folder, secrets } = input
  const { buildId } = attempt
  const taken = new AbortController()
  const reporter = createStepReporter(
    (news) => deps.builds.reportBuildStep({ buildId, claim, ...news }),
    (error) => taken.abort(new Refused('a report was refused', { cause: error })),
  )
  const directory = join(folder, 'tree')
  const log = openBuildLog(writer)
  const work: BuildWork = { attempt, claim, directory, log, reporter, secrets, made: {} }
  let isKept = false
  try {
    const result = await runAll(deps, work, AbortSignal.any([signal, taken.signal]))
    const end = await writer.end().then(
      () => result,
      (error: unknown) => failed(deps, error, result),
    )
    if (end.status === 'failed') await discardOutputs(deps, { attempt, image: work.made.image })
    else if (work.made.pushed && work.made.image) await removeImage(deps, work.made.image)
    isKept = true
    const told = await completeBuild(deps.builds, { buildId, claim, result: end }, signal)
    isKept = told === 'told'
    if (told === 'refused') throw new Refused('the build was ended by somebody else')
  } finally {
    reporter.silence()
    if (!isKept) await discardOutputs(deps, { attempt, image: work.made.image })
  }
}

/** Runs all steps and says in the log how that ended. */
async function runAll(
  deps: BuildWorkDeps,
  work: BuildWork,
  signal: AbortSignal,
): Promise<BuildResult> {
  const { attempt, log, reporter } = work
  try {
    const failure = await runSteps(
      {
        steps: attempt.steps,
        timeouts: deps.timeouts,
        note: log.note,
        report: (step, status) =>
          reporter.report({ step, status, progress: status === 'completed' ? 100 : null }),
        run: (step, stepSignal) => runBuildStep(deps, work, step, stepSignal),
        explain: (error) => explain(deps, work.secrets, error),
      },
      signal,
    )
    await reporter.settled(signal)
    signal.throwIfAborted()
    if (failure !== null) {
      await log.note('Pipeline execution failed.')
      return { status: 'failed', ...failure }
    }
    const outputs = outputsOf(work)
    await log.note(`Pipeline completed successfully. Generated ${outputs.length} output(s).`)
    return { status: 'completed', outputs }
  } catch (error) {
    signal.throwIfAborted()
    // Of the runner's own doings, only the log can fail.
    return { status: 'failed', reason: 'step_failed', error: explain(deps, work.secrets, error) }
  }
}

/** A build whose log has lost lines is none that can be relied on. */
function failed(deps: BuildWorkDeps, error: unknown, result: BuildResult): BuildResult {
  if (result.status === 'failed') return result
  return { status: 'failed', reason: 'step_failed', error: explain(deps, [], error) }
}

function explain(deps: BuildWorkDeps, secrets: readonly string[], error: unknown): string {
  const known = explainFailure(error)
  if (known === null) deps.log.error({ err: error }, 'a step of a build failed')
  const told = known ?? 'Something went wrong that the log of the server tells of'
  return compileMasks(secrets).text(told)
}
