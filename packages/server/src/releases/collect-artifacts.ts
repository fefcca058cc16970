import type { ReleaseArtifactInput } from '@slipway/contract/releases'
import type { ArtifactConfig } from '@slipway/forge'
import { AppError } from '../errors.ts'
import type { ReleasedArtifact } from './resolve-resources.ts'

interface Problem {
  path: string
  message: string
}

/**
 * The artifacts of a release: those that were given, or where none were, those that the run made.
 * They are exactly what the project declares, in its order; AppError `invalid_request` names every
 * one that is missing, unknown, given twice or of another type.
 */
export function collectArtifacts(input: {
  project: string
  declared: readonly Pick<ArtifactConfig, 'name' | 'type'>[]
  given: readonly ReleaseArtifactInput[]
  /** What the run made of this project. */
  made: readonly ReleasedArtifact[]
}): ReleasedArtifact[] {
  const { project, declared, given, made } = input
  if (given.length === 0) return requireAll(input, new Map(made.map((one) => [one.name, one])), [])
  const problems: Problem[] = []
  const taken = new Map<string, ReleasedArtifact>()
  given.forEach((artifact, index) => {
    const wanted = declared.find(({ name }) => name === artifact.name)
    const at = `/artifacts/${index}`
    if (wanted === undefined) {
      const known = declared.map(({ name }) => name).join(', ') || 'none'
      const message = `is no artifact of ${project}, which declares ${known}`
      problems.push({ path: `${at}/name`, message: `${artifact.name} ${message}` })
    } else if (wanted.type !== artifact.type) {
      const message = `is ${artifact.type}, and ${artifact.name} is declared as ${wanted.type}`
      problems.push({ path: `${at}/type`, message })
    }
    if (taken.has(artifact.name)) {
      problems.push({ path: `${at}/name`, message: `${artifact.name} is given twice` })
    }
    taken.set(artifact.name, { ...artifact, digest: digestOf(artifact, made) })
  })
  return requireAll(input, taken, problems)
}

function requireAll(
  { project, declared, given }: Parameters<typeof collectArtifacts>[0],
  taken: ReadonlyMap<string, ReleasedArtifact>,
  problems: Problem[],
): ReleasedArtifact[] {
  const artifacts = declared.flatMap(({ name }): ReleasedArtifact[] => {
    const artifact = taken.get(name)
    if (artifact !== undefined) return [artifact]
    const why = given.length > 0 ? 'is not given' : 'was made by no run of this commit'
    problems.push({ path: '/artifacts', message: `the artifact ${name} ${why}` })
    return []
  })
  const [first] = problems
  if (first === undefined) return artifacts
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  throw new AppError(
    'invalid_request',
    `The artifacts are not those of ${project}: ${first.message}${rest}`,
    { problems },
  )
}

/** From the end of its URI, else from the run that published it there. */
function digestOf(
  artifact: ReleaseArtifactInput,
  made: readonly ReleasedArtifact[],
): string | null {
  const { name, primary_published_uri: uri } = artifact
  const inUri = /@(sha256:[0-9a-f]{64})$/.exec(uri)?.[1]
  if (inUri !== undefined) return inUri
  const same = made.find((one) => one.name === name && one.primary_published_uri === uri)
  return same?.digest ?? null
}
