/** A page of the reference: the operations with these tags. */
export interface ReferenceFamily {
  /** Of the file below docs/reference/, without `.md`. */
  name: string
  title: string
  /** Tags of the document, in the order of the page. */
  tags: readonly string[]
  /** Pages of docs/ that explain what is listed, with their titles. */
  guides: readonly (readonly [title: string, file: string])[]
}

export const families: readonly ReferenceFamily[] = [
  {
    name: 'pipelines',
    title: 'Pipelines of GitHub Actions',
    tags: ['Pipelines'],
    guides: [['Pipelines of GitHub Actions', 'status.md']],
  },
  {
    name: 'builds',
    title: 'Builds',
    tags: ['Builds'],
    guides: [['Builds', 'builds.md']],
  },
  {
    name: 'branding',
    title: 'Branding and configurations',
    tags: ['Branding', 'Configurations'],
    guides: [['Branding and configurations', 'branding.md']],
  },
  {
    name: 'sources',
    title: 'Repositories, registries and credentials',
    tags: ['Repositories', 'Container registries', 'Credentials'],
    guides: [
      ['Builds', 'builds.md'],
      ['Images and their registries', 'registries.md'],
      ['Secrets and credentials', 'secrets.md'],
    ],
  },
  {
    name: 'runners',
    title: 'Delegated jobs and runners',
    tags: ['Delegated jobs', 'Runners'],
    guides: [
      ['Delegated jobs and runners', 'runners.md'],
      ['Proxy runners', 'runners-hooks.md'],
    ],
  },
  {
    name: 'runs',
    title: 'Runs and workers',
    tags: ['Runs', 'Workers', 'GitHub', 'Search'],
    guides: [
      ['Configuration', 'configuration.md'],
      ['GitHub', 'github.md'],
      ['Workers', 'workers.md'],
    ],
  },
  {
    name: 'releases',
    title: 'Releases and deployments',
    tags: ['Releases', 'Deployments', 'Approvals', 'Overview', 'Batch'],
    guides: [
      ['Releases', 'releases.md'],
      ['Deployments', 'deployments.md'],
      ['Environments and approvals', 'approvals.md'],
    ],
  },
  {
    name: 'access',
    title: 'Access, events and webhooks',
    tags: ['Access', 'Secrets', 'Events', 'Webhooks'],
    guides: [
      ['Access', 'access.md'],
      ['Events', 'events.md'],
      ['Webhooks', 'webhooks.md'],
    ],
  },
  {
    name: 'health',
    title: 'Health, metrics and retention',
    tags: ['Health', 'Retention'],
    guides: [
      ['Operations', 'operations.md'],
      ['How long things are kept', 'retention.md'],
    ],
  },
]
