/**
 * Loaded before a server's or a worker's program (`--import`): has a silent worker give up after 12 seconds instead
 * of 75, and its jobs freed after 27 instead of 90. What lies between the two stays as it is.
 */
import { register } from 'node:module'

const times = {
  heartbeatMs: [15_000, 2_000],
  giveUpMs: [75_000, 12_000],
  leaseMs: [90_000, 27_000],
}

const hooks = `
const times = ${JSON.stringify(times)}
export async function load(url, context, next) {
  const module = await next(url, context)
  if (!url.endsWith('/dist/jobs/liveness.js')) return module
  let source = String(module.source)
  for (const [name, [from, to]] of Object.entries(times)) {
    const before = source
    source = source.replace(new RegExp('(const ' + name + ' = )' + String(from).replace(/(...)$/, '_?$1') + '\\\\b'), '$1' + to)
    if (source === before) throw new Error('there is no ' + name + ' of ' + from + ' any more')
  }
  return { ...module, source }
}`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
