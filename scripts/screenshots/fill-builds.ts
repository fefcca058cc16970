import { pathToFileURL } from 'node:url'
import { createRepository } from '../../test/support/git-repository.ts'
import type { People } from './hire-people.ts'
import type { Place } from './open-place.ts'
import { until } from './until.ts'

export interface BuildsWorld {
  template: number
  source: number
  newest: number
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <title>Kestrel Portal</title>
    <meta name="theme-color" content="#0b3d5c" />
    <link rel="icon" href="static/favicon.svg" />
  </head>
  <body>
    <h1>Welcome to Kestrel Portal</h1>
    <p>Questions? Write to help@kestrel.example.</p>
  </body>
</html>
`
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" rx="20" fill="#0f766e"/><path d="M24 62c14-2 22-10 26-28 4 12 12 18 22 20-8 6-16 8-24 8z" fill="#fff"/></svg>`

/** Repositories, templates, registries and credentials, and the builds that were made of them. */
export async function fillBuilds(
  { server }: Place,
  { admin, priya }: People,
): Promise<BuildsWorld> {
  const portal = await createRepository(server.repositories, 'kestrel/portal')
  await portal.commit({
    'index.html': page,
    'README.md': '# Kestrel Portal\n\nWhat our customers see of their parcels.\n',
    'config/app.yaml': 'theme: light\nsupport:\n  email: help@kestrel.example\n',
    'static/favicon.svg': logo.replace('#0f766e', '#0b3d5c'),
    Dockerfile: 'FROM nginx:alpine\nCOPY . /usr/share/nginx/html\n',
  })
  const { host } = new URL(server.url)
  const password = { username: 'builder', password_or_token: server.token }
  const registryLogin = await admin.credentials.create({
    name: 'own-registry',
    credential_type: 'registry_generic',
    credential_data: password,
  })
  await admin.credentials.create({
    name: 'github-packages',
    credential_type: 'registry_generic',
    credential_data: { ...password, registry_url: 'https://ghcr.io' },
    expires_at: new Date(Date.now() + 41 * 86_400_000).toISOString(),
  })
  await admin.credentials.create({
    name: 'portal-fork',
    credential_type: 'git_https',
    credential_data: { username: 'kestrel-bot', password_or_token: 'a token of GitHub' },
    metadata: {
      purpose: 'Fetches the forks of our customers',
      contact: 'platform@kestrel.example',
    },
  })
  await admin.credentials.create({
    name: 'docker-hub',
    credential_type: 'registry_docker_hub',
    credential_data: { username: 'kestrelfreight', access_token: 'dckr_pat_of_nobody' },
  })
  const registry = await admin.registries.create({
    name: 'Own registry',
    registry_type: 'generic',
    registry_url: host,
    namespace: 'portals',
    credential_id: registryLogin.id,
    description: 'Images of customers’ portals',
  })
  await admin.registries.test(registry.id)
  await admin.registries.create({
    name: 'GitHub packages',
    registry_type: 'github',
    namespace: 'kestrel',
  })
  const source = await admin.repositories.create({
    name: 'kestrel/portal',
    repository_url: pathToFileURL(portal.directory).href,
    description: 'What our customers see of their parcels',
  })
  const template = await admin.branding.create({
    name: 'Nordhavn Logistics',
    brand_name: 'Nordhavn',
    description: 'The portal as Nordhavn’s customers know it',
    replacement_rules: [
      {
        pattern: 'Kestrel Portal',
        replacement: '{{brand_name}} Track & Trace',
        files: ['*.html', '*.md'],
      },
      { pattern: 'help@kestrel.example', replacement: 'support@nordhavn.example' },
      { pattern: '#0b3d5c', replacement: '#0f766e', files: ['*.html', '*.css'] },
    ],
  })
  await admin.branding.addAsset(template.id, {
    type: 'logo',
    targetPath: 'static/favicon.svg',
    fileName: 'nordhavn.svg',
    content: new Blob([logo], { type: 'image/svg+xml' }),
  })
  const baltica = await admin.branding.create({
    name: 'Baltica Parcel',
    brand_name: 'Baltica',
    description: 'White label with Polish texts',
    replacement_rules: [{ pattern: 'Kestrel', replacement: '{{brand_name}}' }],
  })
  const live = await admin.configurations.create({
    name: 'live',
    description: 'Where customers are',
    settings: {
      theme: 'dark',
      'support.email': 'support@nordhavn.example',
      'tracking.refresh': 30,
    },
    targets: [{ path: 'config/app.yaml', format: 'yaml' }],
  })
  await admin.configurations.create({
    name: 'trial',
    description: 'For customers who have a look',
    settings: { TRIAL_DAYS: 30, SHOW_BANNER: true },
  })
  const build = async (of: { template: number; ref?: string; client?: typeof admin }) => {
    const client = of.client ?? admin
    const { id } = await client.builds.create({
      ...(of.ref === undefined ? {} : { ref: of.ref }),
      steps_to_execute: ['clone_repo', 'apply_branding', 'apply_config', 'create_zip'],
      output_type: 'zip',
      git_repository_id: source.id,
      branding_template_id: of.template,
      configuration_id: live.id,
    })
    await client.builds.execute(id)
    await until('a build', async () => (await client.builds.get(id)).completed_at !== null)
    return id
  }
  await build({ template: baltica.id })
  await build({ template: template.id, ref: 'release/2.9', client: priya })
  await build({ template: baltica.id, client: priya })
  const newest = await build({ template: template.id })
  return { template: template.id, source: source.id, newest }
}
