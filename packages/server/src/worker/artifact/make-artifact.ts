import type { ArtifactJob } from '@slipway/contract/jobs'
import { AppError } from '../../errors.ts'
import type { JobClaim } from '../../jobs/index.ts'
import type { LogWriter } from '../../logs/index.ts'
import { ociName } from '../../oci/index.ts'
import type { ArtifactIdentity } from '../../ports/publisher.ts'
import { type ArtifactStep, choosePublisher, type ProducedArtifact } from '../../runs/index.ts'
import { signManifest } from '../../signing/index.ts'
import { collectPath } from '../collect-artifacts.ts'
import type { WorkerDeps } from '../deps.ts'
import { locateRemote } from '../locate-remote.ts'
import type { TaskSecrets } from '../task-secrets.ts'
import { makeWorkspace } from '../workspace.ts'
import type { ArtifactPlaces } from './deps.ts'
import { generateSbom } from './generate-sbom.ts'
import { produce } from './produce.ts'
import { provenanceStatement } from './provenance.ts'
import { type Place, publishTo } from './publish-content.ts'
import { type TakenContent, takeContent } from './take-content.ts'
import { trackArtifact } from './track-artifact.ts'

/** How the home registry is called among the places. */
const toHome = { name: 'home', type: 'oci', credentials: null, with: {}, askedBy: null }

interface Making {
  job: ArtifactJob
  claim: JobClaim
  secrets: TaskSecrets
  /** Unique among executions and workspaces of this worker. */
  id: string
  step: ArtifactStep
  writer: LogWriter
  /** Empty; removed by the caller. */
  directory: string
}

/**
 * Makes one artifact: produces it or takes what the steps left behind, publishes it, stores the
 * tracking artifact and signs both, each step a line in the log. AppError says what cannot be; with
 * `unavailable` another try may succeed. Doing all of it again comes to the same digests and tags.
 */
export async function makeArtifact(
  deps: WorkerDeps,
  input: Making,
  signal: AbortSignal,
): Promise<ProducedArtifact> {
  const { job, step, writer, directory } = input
  const { artifact: config } = step
  const say = (line: string) => writer.note(line)
  const artifact: ArtifactIdentity = {
    name: config.name,
    type: config.type,
    repository: job.repository,
    project: job.project,
    commitSha: job.commit_sha,
    ref: job.branch,
  }
  await say(`${config.name} (${config.type}) of ${job.project} in ${job.repository}`)
  await say(`Commit ${job.commit_sha}`)
  // Told before the work, not after it.
  const chosen = config.publishers.map((name) =>
    choosePublisher(name, {
      repository: job.repository,
      own: step.publishers,
      ofServer: deps.serverPublishers,
    }),
  )
  const places = deps.openPlaces(input.claim)
  const place = { runId: job.run_id, project: job.project, artifact: config.name }
  await runProducer(deps, { ...input, place }, signal)
  const taken = await takeContent(deps, { place, type: config.type, directory }, signal)
  if (taken === null) throw nothingThere(job, step)
  try {
    await say(`Content of ${taken.size} bytes, ${taken.digest}`)
    const { content } = taken
    const home = { publishers: { oci: places.homePublisher }, say }
    const all = [await publishTo(home, { publisher: toHome, artifact, content }, signal)]
    for (const publisher of chosen) {
      all.push(await publishTo({ ...places, say }, { publisher, artifact, content }, signal))
    }
    const published = all.filter((at) => at !== null)
    const making = { ...input, artifact, taken, places: published, say }
    return await finish({ ...deps, ...places }, making, signal)
  } finally {
    await taken.close()
  }
}

async function runProducer(
  deps: WorkerDeps,
  input: Making & { place: { runId: string; project: string; artifact: string } },
  signal: AbortSignal,
): Promise<void> {
  const { job, claim, secrets, id, step, writer, directory, place } = input
  const { command, path } = step.artifact.producer
  if (command === null) return
  if (path === null) {
    throw new AppError(
      'invalid_request',
      `The producer of ${step.name} names no path: a container is published from an image layout or an archive of docker save that its command leaves behind`,
    )
  }
  await writer.note(`Producing it with the action ${command.action}`)
  const workspace = await makeWorkspace(
    { ...deps, workDirectory: directory },
    { job, claim, name: 'checkout' },
    signal,
  )
  await produce(deps, { id, job, command, secrets, workspace, writer }, signal)
  const found = await collectPath(
    deps,
    { workspace: workspace.directory, projectPath: job.project_path, path, place },
    signal,
  )
  if (!found) {
    throw new AppError('invalid_request', `The producer of ${step.name} left no ${path}`)
  }
}

function nothingThere(job: ArtifactJob, step: ArtifactStep): AppError {
  const { path } = step.artifact.producer
  return new AppError(
    'invalid_request',
    `No step of project ${job.project} left ${path}, which is to be ${step.name}`,
  )
}

/** What follows the publications: tracking artifact, signatures, and what the control plane is told. */
async function finish(
  deps: WorkerDeps & ArtifactPlaces,
  input: Making & {
    artifact: ArtifactIdentity
    taken: TakenContent
    places: readonly Place[]
    say: (line: string) => Promise<void>
  },
  signal: AbortSignal,
): Promise<ProducedArtifact> {
  const { job, claim, id, step, directory, artifact, taken, places, say } = input
  const { home } = deps.registries
  const repository = ociName(artifact.repository, artifact.project, artifact.name)
  const [atHome] = places
  const published = places.map(({ publisher, type, uri, digest }) => ({
    publisher,
    type,
    uri,
    digest,
  }))
  const isImage = taken.content.kind === 'image'
  const digest = isImage ? (atHome?.digest ?? '') : taken.digest
  const sbom = await generateSbom(
    { ...deps, say },
    { id: `${id}-sbom`, isImage, path: taken.path, directory, madeAt: taken.keptAt },
    signal,
  )
  const stored = await home.getManifest(repository, atHome?.digest ?? '', signal)
  if (stored === null) throw new AppError('unavailable', `${home.base} has lost what it was sent`)
  const { url } = await locateRemote(deps, claim)
  const provenance = provenanceStatement({
    subjects: [
      { name: step.name, digest },
      ...published.map((at) => ({ name: at.uri, digest: at.digest })),
    ],
    artifact,
    producer: step.artifact.producer,
    sourceUri: /^(?!file:)[a-z]+:\/\//.test(url) ? `git+${url}` : `urn:git:${artifact.repository}`,
    builder: deps.builder,
    runId: job.run_id,
    triggerType: job.trigger_type,
    madeAt: taken.keptAt,
  })
  const tracking = await trackArtifact(
    home,
    {
      repository,
      artifact,
      runId: job.run_id,
      digest,
      size: taken.size,
      madeAt: taken.keptAt,
      published,
      subject: {
        mediaType: stored.mediaType,
        digest: stored.digest,
        size: stored.content.length,
      },
      provenance,
      sbom,
    },
    signal,
  )
  await say(`Tracked as ${tracking.uri}`)
  await say(`  ${tracking.digest}`)
  await signAll(deps, { places, tracking: { repository, digest: tracking.digest }, say }, signal)
  const primary = choosePrimary(artifact, published)
  await say(`Available as ${primary.uri}`)
  return {
    name: artifact.name,
    type: artifact.type,
    trackingUri: tracking.uri,
    trackingDigest: tracking.digest,
    primaryUri: primary.uri,
    digest,
    sizeBytes: taken.size,
    published,
  }
}

/** The first publisher that the configuration names, else the home registry. */
function choosePrimary<P extends { type: string }>(
  { type }: ArtifactIdentity,
  published: readonly P[],
): P {
  const [home, ...others] = published
  const named = others.find((place) => type !== 'container' || place.type === 'oci') ?? home
  if (named === undefined) throw new Error('an artifact is always in the home registry')
  return named
}

async function signAll(
  deps: ArtifactPlaces,
  input: {
    places: readonly Place[]
    tracking: { repository: string; digest: string }
    say: (line: string) => Promise<void>
  },
  signal: AbortSignal,
): Promise<void> {
  const { signingKey: key } = deps
  if (key === null) return
  const { tracking, places, say } = input
  const all = places.flatMap(({ signable, digest }) =>
    signable === undefined ? [] : [{ ...signable, digest }],
  )
  for (const { registry, repository, digest } of [
    ...all,
    { registry: deps.registries.home, ...tracking },
  ]) {
    const { tag, made } = await signManifest({ registry, key }, { repository, digest }, signal)
    const at = `${registry.base}/${repository}:${tag}`
    await say(made ? `Signed: ${at}` : `Signed already: ${at}`)
  }
}
