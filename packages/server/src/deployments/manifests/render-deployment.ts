import type { KubernetesResource } from '@slipway/forge'
import { AppError } from '../../errors.ts'
import type { NewFile } from '../gitops/write-commit.ts'
import { applyOverlay } from './apply-overlay.ts'
import { type DeploymentPaths, type DeploymentPlace, deploymentPaths } from './deployment-paths.ts'
import { parseOverlay } from './parse-overlay.ts'
import { compare, toYaml } from './to-yaml.ts'

/** What a deployment writes about. */
export interface RenderInput extends DeploymentPlace {
  deploymentId: string
  deployedBy: string
  deployedAt: Date
  release: {
    id: string
    commitSha: string
    number: number
    /** Without the numeric one. */
    aliases: readonly string[]
    /** With its digest. */
    ociUri: string
    resources: readonly KubernetesResource[]
  }
}

/** Tools that apply the whole folder pass over what is only to be read. */
const onlyToBeRead = {
  'argocd.argoproj.io/hook': 'Skip',
  'config.kubernetes.io/local-config': 'true',
}

/** What `renderDeployment` wants to see of the GitOps repository. */
export function readsOf(paths: DeploymentPaths): string[] {
  return [...paths.overlays, paths.release, paths.manifests]
}

/**
 * The files of a deployment: the pointer at its release, and the release's resources with the
 * overlays of `existing` applied. A `resource_conflict` names every problem of an overlay.
 */
export async function renderDeployment(
  input: RenderInput,
  existing: ReadonlyMap<string, Buffer>,
): Promise<{ release: NewFile; manifests: NewFile }> {
  const paths = deploymentPaths(input)
  let resources = [...input.release.resources]
  for (const file of paths.overlays) {
    const content = existing.get(file)
    if (content === undefined) continue
    const problems: string[] = []
    const problem = (message: string) => void problems.push(message)
    const overlay = parseOverlay(file, content, problem)
    if (problems.length === 0) {
      // What is patched for all of an environment need not be in each of its projects.
      const patches =
        file === paths.overlays[0]
          ? overlay.patches.map((patch) => ({ ...patch, optional: true }))
          : overlay.patches
      resources = applyOverlay(resources, { ...overlay, patches }, problem)
    }
    if (problems.length > 0) throw brokenOverlay(file, problems)
  }
  return {
    release: { path: paths.release, content: await toYaml([pointer(input)]) },
    manifests: { path: paths.manifests, content: await toYaml(resources.toSorted(byName)) },
  }
}

function brokenOverlay(file: string, problems: readonly string[]): AppError {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return new AppError(
    'resource_conflict',
    `The overlay ${file} in the GitOps repository cannot be applied: ${problems[0]}${more}`,
    { file, problems: problems.slice(0, 100) },
  )
}

function byName(one: KubernetesResource, other: KubernetesResource): number {
  const parts = ({ apiVersion, kind, metadata }: KubernetesResource) => [
    kind,
    typeof metadata['namespace'] === 'string' ? metadata['namespace'] : '',
    metadata.name,
    apiVersion,
  ]
  const [a, b] = [parts(one), parts(other)]
  for (const [index, part] of a.entries()) {
    const order = compare(part, b[index] ?? '')
    if (order !== 0) return order
  }
  return 0
}

function pointer(input: RenderInput): object {
  const { release } = input
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'ReleasePointer',
    metadata: { name: input.project, annotations: onlyToBeRead },
    spec: {
      environment: input.environment,
      repository: input.repository,
      project: input.project,
      release: release.commitSha,
      releaseId: release.id,
      number: release.number,
      aliases: [String(release.number), ...release.aliases],
      ociUri: release.ociUri,
      deployment: input.deploymentId,
      deployedBy: input.deployedBy,
      deployedAt: input.deployedAt.toISOString(),
    },
  }
}
