import type { Build, CreateBuildRequest } from '@slipway/contract/builds'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type BuildSource, checkReferences, type References } from './check-references.ts'
import type { BuildsDeps, OfficialRepository } from './deps.ts'
import { getBuild } from './get-build.ts'
import { type BuildProblem, judgeRequest } from './judge-request.ts'
import { inOrder } from './step-limits.ts'

/**
 * Stores a build that waits to be executed. Everything that is wrong with the request is said at once:
 * `invalid_request`; ids that do not exist are `resource_not_found` where nothing else is wrong.
 */
export async function createBuild(
  deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'logs' | 'official'>,
  input: {
    principal: Principal
    /** As it came. */
    request: unknown
    /** What its schema has against it. */
    problems: readonly BuildProblem[]
  },
): Promise<Build> {
  const { principal } = input
  const id = await transact(deps, (unit) => createWithin({ ...deps, unit }, input))
  return getBuild(deps, { principal, id })
}

/** The same within a transaction of the caller's; answers the id. */
export async function createWithin(
  deps: { unit: UnitOfWork; official: OfficialRepository },
  input: {
    principal: Principal
    request: unknown
    problems: readonly BuildProblem[]
    retryOf?: number
  },
): Promise<number> {
  const { unit, official } = deps
  const { principal, retryOf = null } = input
  const given = asRecord(input.request)
  const references = readReferences(given)
  const checked = await checkReferences({ trx: unit.trx, official }, { principal, references })
  // What the schema refuses has been said by the schema.
  const said = new Set(input.problems.map(({ path }) => path))
  const found = [...judgeRequest(given), ...checked.problems]
  refuse([...input.problems, ...found.filter(({ path }) => !said.has(path))])
  if (checked.source === null) throw new Error('a repository without a problem is a source')
  const request = given as unknown as CreateBuildRequest
  const id = await insertBuild(unit, {
    principal,
    request,
    references,
    source: checked.source,
    retryOf,
  })
  unit.emit({
    type: 'build.created',
    repository: checked.source.repository,
    runId: null,
    data: {
      build_id: id,
      repository: checked.source.repository,
      steps_to_execute: inOrder(request.steps_to_execute as Build['steps_to_execute']),
      created_by: principal.name,
    },
  })
  return id
}

async function insertBuild(
  unit: UnitOfWork,
  input: {
    principal: Principal
    request: CreateBuildRequest
    references: References
    source: BuildSource
    retryOf: number | null
  },
): Promise<number> {
  const { request, references, source } = input
  const steps = request.steps_to_execute as Build['steps_to_execute']
  const { id } = await unit.trx
    .insertInto('builds')
    .values({
      ...references,
      steps_to_execute: steps,
      repository_info: JSON.stringify(source.info),
      repository: source.repository,
      ref: request.ref ?? request.branch ?? null,
      output_type: request.output_type as Build['output_type'],
      image_name: request.image_name ?? null,
      image_tag: request.image_tag ?? null,
      build_args: JSON.stringify(request.build_args ?? {}),
      platforms: request.platforms ?? [],
      custom_parameters: JSON.stringify(request.custom_parameters ?? {}),
      retry_of: input.retryOf,
      created_by: input.principal.name,
      started_at: unit.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await unit.trx
    .insertInto('build_steps')
    .values(inOrder(steps).map((key, index) => ({ build_id: id, position: index + 1, key })))
    .execute()
  return id
}

function refuse(problems: readonly BuildProblem[]): void {
  if (problems.length === 0) return
  const sentences = problems.map(({ missing }) => missing)
  if (sentences.every((sentence) => sentence !== undefined)) {
    throw new AppError('resource_not_found', sentences.join('; '))
  }
  const all = problems.map(({ path, message }) => ({ path, message }))
  const [first] = all
  throw new AppError('invalid_request', `The body is not valid: ${first?.path} ${first?.message}`, {
    problems: all,
  })
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

function readReferences(request: Readonly<Record<string, unknown>>): References {
  const id = (name: string) => {
    const value = request[name]
    const isId = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 2_147_483_647
    return isId ? Number(value) : null
  }
  return {
    git_repository_id: id('git_repository_id'),
    registry_id: id('registry_id'),
    branding_template_id: id('branding_template_id'),
    configuration_id: id('configuration_id'),
  }
}
