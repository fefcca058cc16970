/**
 * Who may import whom. One table for packages, one for the layers of the server;
 * whatever is not listed is refused, so a new folder needs a decision here first.
 *
 * A place is a source file reduced to what the tables speak of.
 * @typedef {{ package: string, path: string, layer: string, unit: string }} Place
 *   `path` below `packages/<package>/src/`; `layer` a key of `serverLayers` (the package's name
 *   elsewhere); `unit` the room, or the port an adapter belongs to (the layer's name elsewhere).
 */

/** Packages of ours that each package may import. */
const packageImports = {
  contract: [],
  forge: ['contract'],
  sdk: ['contract'],
  web: ['sdk', 'contract'],
  cli: ['sdk', 'forge', 'contract'],
  server: ['contract', 'forge', 'sdk'],
}

/** Packages that also run in a browser. */
const isomorphic = ['contract', 'sdk', 'web']

/** Rooms that the capability rooms stand on; they know no capability room. */
const sharedRooms = [
  'jobs',
  'events',
  'logs',
  'secrets',
  'credentials',
  'repositories',
  'access',
  'archive',
  'git',
  'oci',
  'docker',
  'signing',
  'duties',
  'retention',
  'servers',
  'kubernetes',
  'telemetry',
]
/** Files at the root that everyone may use. The others there belong to the composition. */
const baseFiles = ['errors.ts', 'directories.ts', 'correlation.ts']
const capabilityRooms = [
  'monitor',
  'builds',
  'branding',
  'configurations',
  'registries',
  'runs',
  'releases',
  'deployments',
  'runners',
  'environments',
  'approvals',
  'webhooks',
  'github',
  'search',
  'metrics',
  'sign-in',
  'orchestration',
  'overview',
]

/**
 * Layers of the server: what each may import besides itself.
 * `packages` are the packages of ours among them; `types` are layers of which it may name types
 * (`import type`): what passes the database on to a room need not be able to query it.
 */
const serverLayers = {
  entry: {
    layers: ['entry', 'compose', 'capability', 'shared', 'ports', 'db', 'base'],
    packages: ['contract'],
  },
  compose: {
    layers: [
      'entry',
      'http',
      'realtime',
      'worker',
      'remote',
      'capability',
      'shared',
      'adapters',
      'ports',
      'db',
      'base',
    ],
    packages: ['contract', 'forge'],
  },
  http: {
    layers: ['capability', 'shared', 'ports', 'base'],
    types: ['db'],
    packages: ['contract'],
  },
  realtime: {
    layers: ['capability', 'shared', 'ports', 'base'],
    types: ['db'],
    packages: ['contract'],
  },
  worker: {
    layers: ['capability', 'shared', 'ports', 'base'],
    types: ['db'],
    packages: ['contract', 'forge'],
  },
  // What a worker on another machine has in place of the rooms: the same functions as requests to the API.
  remote: {
    layers: ['worker', 'capability', 'shared', 'ports', 'base'],
    types: ['db'],
    packages: ['contract', 'sdk'],
  },
  capability: {
    layers: ['capability', 'shared', 'ports', 'db', 'base'],
    packages: ['contract', 'forge'],
  },
  shared: { layers: ['shared', 'ports', 'db', 'base'], packages: ['contract', 'forge'] },
  adapters: { layers: ['ports', 'base'], packages: ['contract'] },
  ports: { layers: ['ports', 'base'], packages: ['contract'] },
  db: { layers: ['db', 'ports', 'base'], packages: ['contract'] },
  base: { layers: ['base', 'ports'], packages: ['contract', 'forge'] },
}

/** What adapters of one port may import beyond their layer: a layer, or a room by its index. */
const adapterImports = {
  'job-bus': ['db', 'jobs'],
  identity: ['db', 'access'],
  registry: ['db', 'oci'],
  publisher: ['oci'],
  'image-engine': ['docker'],
  'container-host': ['docker', 'kubernetes'],
  executor: ['docker', 'kubernetes'],
  orchestrator: ['kubernetes'],
}

/**
 * @param {string} file path with forward slashes, absolute or not
 * @returns {Place | null} null for what lies outside every package: tests, scripts, benchmarks
 */
export function locate(file) {
  const match = /^(?:.*\/)?packages\/([^/]+)\/src\/(.+)$/.exec(file)
  if (!match || /\.test\.tsx?$/.test(file)) return null
  const [, name, path] = match
  if (name !== 'server') return { package: name, path, layer: name, unit: name }
  return { package: name, path, ...serverPlace(path) }
}

function serverPlace(path) {
  const [folder, below] = path.split('/')
  if (below === undefined) {
    const layer = baseFiles.includes(folder) ? 'base' : 'entry'
    return { layer, unit: layer }
  }
  if (folder === 'compose') return { layer: 'compose', unit: 'compose' }
  if (folder === 'config') return { layer: 'base', unit: 'base' }
  if (folder === 'commands') return { layer: 'entry', unit: 'entry' }
  if (capabilityRooms.includes(folder)) return { layer: 'capability', unit: folder }
  if (sharedRooms.includes(folder)) return { layer: 'shared', unit: folder }
  if (folder === 'adapters') return { layer: 'adapters', unit: below }
  return { layer: folder in serverLayers ? folder : 'unknown', unit: folder }
}

/**
 * @param {string} file importing file, absolute
 * @param {string} specifier as written in the import
 * @param {boolean} typeOnly whether nothing of it is there at run time
 * @returns {string | null} what is wrong with the import
 */
export function judgeImport(file, specifier, typeOnly) {
  const from = locate(file)
  if (!from) return null
  if (!(from.package in packageImports))
    return `packages/${from.package} is not in the table of packages`
  if (from.layer === 'unknown') return `src/${from.unit}/ is not in the table of layers`
  const ours = /^@slipway\/([^/]+)/.exec(specifier)
  if (ours) return judgePackage(from, ours[1])
  if (specifier.startsWith('node:') && isomorphic.includes(from.package)) {
    return `${from.package} runs in browsers too and may not import ${specifier}`
  }
  if (!specifier.startsWith('.')) return null
  const to = locate(resolve(file, specifier))
  if (!to) return `${specifier} leaves the sources of packages/${from.package}`
  if (to.package !== from.package)
    return `${to.package} is imported as @slipway/${to.package}, not by path`
  return from.package === 'server' ? judgeLayers(from, to, typeOnly) : null
}

function judgePackage(from, name) {
  if (!packageImports[from.package].includes(name)) return `${from.package} may not import ${name}`
  if (from.package === 'server' && !serverLayers[from.layer].packages.includes(name)) {
    return `${describe(from)} may not import ${name}`
  }
  return null
}

function judgeLayers(from, to, typeOnly) {
  if (to.layer === 'unknown') return `src/${to.unit}/ is not in the table of layers`
  if (from.layer === to.layer && from.unit === to.unit) return null
  const isRoom = to.layer === 'capability' || to.layer === 'shared'
  const byIndex = !isRoom || from.layer === 'compose' || to.path === `${to.unit}/index.ts`
  const extra = from.layer === 'adapters' ? (adapterImports[from.unit] ?? []) : []
  const { layers, types = [] } = serverLayers[from.layer]
  const allowed =
    layers.includes(to.layer) || extra.includes(to.unit) || (typeOnly && types.includes(to.layer))
  if (!allowed) return `${describe(from)} may not import ${describe(to)}`
  return byIndex ? null : `${describe(to)} is entered by its index.ts only`
}

function describe(place) {
  if (place.layer === 'adapters') return `an adapter of ${place.unit}`
  if (place.layer === 'capability' || place.layer === 'shared') return `the room ${place.unit}`
  return place.layer === 'base' || place.layer === 'entry' ? `src/${place.path}` : place.layer
}

function resolve(file, specifier) {
  const parts = file.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
