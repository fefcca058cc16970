import type { SlipwayClient } from '@slipway/sdk'
import type { Context } from '../context.ts'
import { findRepository } from '../git/find-repository.ts'
import { configPath, readConfigFile } from '../settings/read-config-file.ts'
import type { Place } from './find-place.ts'

/** A value and what it is, for a person. */
type Value = readonly [value: string, about: string]

interface Asked {
  context: Context
  client: SlipwayClient
  signal: AbortSignal
  given: Place['given']
}

type Find = (asked: Asked) => Promise<readonly Value[]>

/** Values that are asked for at once. */
const limit = 50

async function repositoryOf({ context, given }: Asked): Promise<string> {
  return findRepository(context.io, given.options.repository)
}

/** What the server knows by the names that arguments and options have. */
const finders: Readonly<Record<string, Find>> = {
  async run(asked) {
    const { client, signal } = asked
    const repository = await repositoryOf(asked).catch(() => null)
    if (repository !== null) {
      const { runs } = await client.runs.list({ repository, limit }, { signal })
      return runs.map(({ id, status, branch }) => [id, `${status} ${branch}`])
    }
    const { repositories } = await client.overview.repositories({ limit }, { signal })
    return repositories.flatMap(({ repository: name, latest_run: run }) =>
      run === null ? [] : [[run.id, `${name} ${run.status}`]],
    )
  },
  async step({ client, signal, given }) {
    const { phases } = await client.runs.get(given.args[0] ?? '', { signal })
    return phases.flatMap(({ name: phase, tasks }) =>
      tasks.flatMap(({ project_name: project, steps }) =>
        steps.map(({ name, status }): Value => [`${phase}/${project}/${name}`, status]),
      ),
    )
  },
  async repository({ client, signal }) {
    const { repositories } = await client.overview.repositories({ limit }, { signal })
    return repositories.map(({ repository }) => [repository, ''])
  },
  async registered({ client, signal }) {
    const { repositories } = await client.repositories.list({ limit }, { signal })
    return repositories.map(({ name, repository_url }) => [name, repository_url])
  },
  async project({ client, signal }) {
    const { projects } = await client.overview.board({}, { signal })
    return projects.map(({ project, repository }) => [project, repository])
  },
  async release(asked) {
    const { client, signal, given } = asked
    const [project = ''] = given.args
    const place = { repository: await repositoryOf(asked), project }
    const { releases } = await client.releases.list(place, { limit }, { signal })
    return releases.flatMap(({ release_number, commit_sha, aliases }) => [
      [String(release_number), commit_sha.slice(0, 8)] satisfies Value,
      ...aliases
        .filter(({ alias_type: type }) => type !== 'numeric')
        .map(({ alias }): Value => [alias, `#${release_number}`]),
    ])
  },
  async environment({ client, signal }) {
    return (await client.environments.list({}, { signal })).map(({ name }) => [name, ''])
  },
  async deployment({ client, signal }) {
    const { deployments } = await client.deployments.list({ limit }, { signal })
    return deployments.map(({ id, project, environment, status }) => [
      id,
      `${project} in ${environment}: ${status}`,
    ])
  },
  async approval({ client, signal }) {
    const { approvals } = await client.approvals.list({ limit, status: 'active' }, { signal })
    return approvals.map(({ approval_id: id, project, release_number, environment }) => [
      id,
      `${project} #${release_number} for ${environment}`,
    ])
  },
  async pullRequest({ client, signal }) {
    const { pull_requests: found } = await client.pullRequests.list(
      { limit, status: 'waiting' },
      { signal },
    )
    return found.map(({ id, repository, number, title }) => [
      id,
      `${repository}#${number} ${title}`,
    ])
  },
  async workflow({ client, signal, given }) {
    const repo = given.args[0] ?? given.options.repository
    const query = repo === undefined ? {} : { repo }
    const { pipelines } = await client.pipelines.status(query, { signal })
    return pipelines.map(({ workflowName, branch }) => [workflowName, branch])
  },
  async build({ client, signal }) {
    const { runs } = await client.builds.list({ limit }, { signal })
    return runs.map(({ id, status, repository_info: { name } }) => [
      String(id),
      `${status} ${name}`,
    ])
  },
  async template({ client, signal }) {
    const { templates } = await client.branding.list({ limit }, { signal })
    return templates.map(({ name, brand_name: brand }) => [name, brand ?? ''])
  },
  async asset({ client, signal, given }) {
    const { templates } = await client.branding.list({ name: given.args[0] ?? '' }, { signal })
    return templates.flatMap(({ assets }) =>
      assets.map(({ target_path: path, asset_type: type }): Value => [path, type]),
    )
  },
  async configuration({ client, signal }) {
    const { configurations } = await client.configurations.list({ limit }, { signal })
    return configurations.map(({ name }) => [name, ''])
  },
  async registry({ client, signal }) {
    const { registries } = await client.registries.list({ limit }, { signal })
    return registries.map(({ name, registry_url: url }) => [name, url])
  },
  async credential({ client, signal }) {
    const { credentials } = await client.credentials.list({ limit }, { signal })
    return credentials.map(({ name, credential_type: type }) => [name, type])
  },
  async job({ client, signal }) {
    const { data } = await client.jobs.list({ limit }, { signal })
    return data.map(({ id, status, repository }) => [id, `${status} ${repository}`])
  },
  async runner({ client, signal }) {
    const { data } = await client.runners.list({ limit }, { signal })
    return data.map(({ id, name, status }) => [id, `${name} ${status}`])
  },
  async worker({ client, signal }) {
    const { workers } = await client.workers.list({ limit }, { signal })
    return workers.map(({ id, name, kind }) => [id, `${name} (${kind})`])
  },
  async webhook({ client, signal }) {
    const { webhooks } = await client.webhooks.list({ limit }, { signal })
    return webhooks.map(({ id, url }) => [id, url])
  },
  async delivery({ client, signal, given }) {
    const { deliveries } = await client.webhooks.deliveries(
      given.args[0] ?? '',
      { limit },
      { signal },
    )
    return deliveries.map(({ id, event_type: type, status }) => [id, `${type} ${status}`])
  },
  async token({ client, signal }) {
    const { tokens } = await client.tokens.list({ limit }, { signal })
    return tokens.map(({ name, roles }) => [name, roles.join(',')])
  },
  async secret({ client, signal, given }) {
    const { repository, organisation } = given.options
    const query = {
      ...(repository === undefined ? {} : { repository }),
      ...(organisation === undefined ? {} : { organisation }),
    }
    const { secrets } = await client.secrets.list({ limit, ...query }, { signal })
    return secrets.map(({ name, scope }) => [name, scope])
  },
}

/** Where a name means something else than elsewhere, by the words of the command. */
const others: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  build: { repository: 'registered', push: 'registry', branding: 'template' },
  branding: { repository: 'registered' },
  repository: { repository: 'registered' },
  secret: { name: 'secret' },
  rollback: { to: 'release' },
  'deployment rollback': { to: 'release' },
}

/** Names of values that are files. */
const files = ['file', 'path', 'output', 'rules', 'artifacts', 'secret-file', 'from']

/** Which values a place may have: `files`, or names by which they are found. */
export function kindOf({ value }: Place, path: string): string | null {
  if (value === null) return null
  const name = value.name()
  if (files.includes(name)) return 'files'
  const [noun = ''] = path.split(' ')
  const told = others[path]?.[name] ?? others[noun]?.[name] ?? name
  const kind = told.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.hasOwn(finders, kind) || kind === 'server' ? kind : null
}

/** @throws what the server, or the way there, has against it */
export async function findValues(
  context: Context,
  kind: string,
  { given, signal }: { given: Place['given']; signal: AbortSignal },
): Promise<readonly Value[]> {
  if (kind === 'server') {
    const { servers } = await readConfigFile(configPath(context.io.env))
    return [...servers].map(([name, { url }]) => [name, url])
  }
  const { client } = await context.connect()
  return (await finders[kind]?.({ context, client, signal, given })) ?? []
}
