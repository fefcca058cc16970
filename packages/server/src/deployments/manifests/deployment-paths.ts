import { AppError } from '../../errors.ts'

/** What is deployed where: at most one release is active in each. */
export interface DeploymentPlace {
  environment: string
  /** owner/name. */
  repository: string
  project: string
}

/** Where a place's files are in the GitOps repository. */
export interface DeploymentPaths {
  release: string
  manifests: string
  /** Changes to the manifests: of the whole environment, then of this place. Written by people. */
  overlays: readonly [environment: string, place: string]
}

const overlayName = 'overlay.yaml'

/** The names have passed the contract, so each is one segment of a path. Refuses what git cannot store. */
export function deploymentPaths(place: DeploymentPlace): DeploymentPaths {
  const [owner = '', name = ''] = place.repository.split('/')
  const unusable = owner === overlayName || /^\.git\.*$/i.test(name)
  if (unusable) {
    throw new AppError(
      'invalid_request',
      `${place.repository} cannot be a path in the GitOps repository`,
      { repository: place.repository },
    )
  }
  const environment = `environments/${place.environment}`
  const directory = `${environment}/${owner}/${name}/${place.project}`
  return {
    release: `${directory}/release.yaml`,
    manifests: `${directory}/manifests.yaml`,
    overlays: [`${environment}/${overlayName}`, `${directory}/${overlayName}`],
  }
}
