import type { RegistryType } from '@slipway/contract/registries'
import { registryAddresses } from '@slipway/contract/vocabulary'
import { describeRegistryCredential, type RegistryCredential } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import { isOciName } from '../oci/index.ts'
import type { RegistriesDeps } from './deps.ts'
import { isForRegistry, parseRegistryHost } from './registry-host.ts'

interface Problem {
  path: string
  message: string
}

/** A registry as it is to be, before it has been checked. */
export interface RegistryDraft {
  registry_type: RegistryType
  /** Undefined: that of its type. */
  registry_url: string | undefined
  namespace: string | null
  credential_id: number | null
}

/** Types of credentials that each type of registry takes. */
const credentialTypes: Readonly<Record<RegistryType, readonly string[]>> = {
  docker_hub: ['registry_docker_hub', 'registry_generic'],
  quay_io: ['registry_quay_io', 'registry_generic'],
  aws_ecr: ['registry_aws_ecr'],
  github: ['registry_generic'],
  gitlab: ['registry_generic'],
  generic: ['registry_generic', 'registry_docker_hub', 'registry_quay_io', 'registry_aws_ecr'],
}
/** Where images have no name without one. */
const withNamespace: ReadonlySet<RegistryType> = new Set([
  'docker_hub',
  'quay_io',
  'github',
  'gitlab',
])

/**
 * Refuses what a registry cannot be, with every problem at once: `invalid_request`. A credential that
 * does not exist is `resource_not_found` where it is the only problem. Answers its `host[:port]`.
 */
export async function checkRegistry(
  deps: RegistriesDeps,
  draft: RegistryDraft,
): Promise<{ host: string }> {
  const problems: Problem[] = []
  const host = checkHost(deps, draft, problems)
  checkNamespace(draft, problems)
  const missing = await checkCredential(deps, { ...draft, host }, problems)
  if (missing !== null && problems.length === 1) throw new AppError('resource_not_found', missing)
  if (host !== null && problems.length === 0) return { host }
  throw new AppError(
    'invalid_request',
    `The body is not valid: ${problems.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    { problems },
  )
}

function checkHost(
  { plainHttp }: RegistriesDeps,
  { registry_type: type, registry_url: given }: RegistryDraft,
  problems: Problem[],
): string | null {
  const path = '/registry_url'
  const text = given ?? registryAddresses[type]
  if (text === null) {
    problems.push({
      path,
      message: `is missing: a registry of type ${type} has no address of its own`,
    })
    return null
  }
  const parsed = parseRegistryHost(text, plainHttp)
  if (parsed.ok) return parsed.host
  problems.push({ path, message: parsed.problem })
  return null
}

function checkNamespace(
  { registry_type: type, namespace }: RegistryDraft,
  problems: Problem[],
): void {
  const path = '/namespace'
  if (namespace !== null && !isOciName(namespace)) {
    const message =
      'must be lower-case letters, digits, ".", "_" and "-", in parts separated by "/"'
    problems.push({ path, message })
  }
  if (namespace === null && withNamespace.has(type)) {
    problems.push({ path, message: `is missing: images of ${type} are called <namespace>/<name>` })
  }
}

/** Answers what to say of a credential that does not exist; null where it does, or none is named. */
async function checkCredential(
  deps: RegistriesDeps,
  draft: RegistryDraft & { host: string | null },
  problems: Problem[],
): Promise<string | null> {
  const { credential_id: id, registry_type: type, host, namespace } = draft
  if (id === null) return null
  const path = '/credential_id'
  const credential = await describeRegistryCredential(deps, { id }).catch((error: unknown) => {
    // It has expired, or cannot be decrypted.
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
    problems.push({ path, message: `cannot be used: ${error.message}` })
    return undefined
  })
  if (credential === undefined) return null
  if (credential === null) {
    problems.push({ path, message: 'names no credential' })
    return `There is no credential ${id}`
  }
  const problem = credentialProblem(credential, type)
  if (problem !== null) problems.push({ path, message: problem })
  else if (host !== null && credential.registryUrl !== null) {
    const { registryUrl } = credential
    if (!isForRegistry(registryUrl, { host, namespace })) {
      const place = namespace === null ? host : `${host}/${namespace}`
      problems.push({ path, message: `is a credential for ${registryUrl}, not for ${place}` })
    }
  }
  return null
}

function credentialProblem(credential: RegistryCredential, type: RegistryType): string | null {
  if (!credential.type.startsWith('registry_')) {
    return `is a credential of type ${credential.type}, not for registries`
  }
  const fitting = credentialTypes[type]
  if (fitting.includes(credential.type)) return null
  return `is a credential of type ${credential.type}; a registry of type ${type} takes ${fitting.join(' or ')}`
}
