import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { StartupError } from '../errors.ts'
import { openWorkerMetrics } from '../metrics/index.ts'
import { type Probes, serveProbes, type WorkerHealth } from './serve-probes.ts'

let probes: Probes
afterEach(() => probes.close())

async function serve(health: Partial<WorkerHealth> = {}) {
  const metrics = openWorkerMetrics({ version: '1.2.3', dataDir: import.meta.dirname })
  metrics.handlers.ran('task', 'settled', 2)
  const whole = { problem: () => null, draining: () => false, active: () => 0, ...health }
  probes = await serveProbes({ metrics, health: whole }, { host: '127.0.0.1', port: 0 })
  return (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${probes.port}${path}`, { method })
}

it('shows what a worker counts of itself, and nothing that only a server knows', async () => {
  const get = await serve()
  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await answer.text()
  expect(text).toContain('slipway_build_info{version="1.2.3"} 1')
  expect(text).toContain('slipway_job_run_seconds_count{type="task",outcome="settled"} 1')
  expect(text).toMatch(/slipway_data_directory_free_bytes\{directory="data"\} [1-9]/)
  expect(text).not.toContain('slipway_jobs_queued')
})

it('says whether the worker is well, what it has in hand, and that it takes no more', async () => {
  let problem: string | null = null
  let isDraining = false
  const get = await serve({
    problem: () => problem,
    draining: () => isDraining,
    active: () => 3,
  })
  const health = async () => {
    const answer = await get('/healthz')
    return { code: answer.status, ...((await answer.json()) as object) }
  }
  expect(await health()).toEqual({ code: 200, status: 'ok', active: 3 })
  isDraining = true
  expect(await health()).toEqual({ code: 200, status: 'draining', active: 3 })
  problem = 'the server has not answered for 40 s'
  expect(await health()).toEqual({ code: 503, status: 'unhealthy', active: 3, problem })
  expect((await get('/livez')).status).toBe(200)
})

it('has nothing else', async () => {
  const get = await serve()
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics', 'POST')).status).toBe(405)
  expect(await (await get('/healthz', 'HEAD')).text()).toBe('')
})

it('cannot be where somebody else is, and says by which setting', async () => {
  await serve()
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const metrics = openWorkerMetrics({ version: '1', dataDir: '.' })
  const health = { problem: () => null, draining: () => false, active: () => 0 }
  const twice = serveProbes({ metrics, health }, { host: '127.0.0.1', port })
  await expect(twice).rejects.toThrow(StartupError)
  await expect(twice).rejects.toThrow('SLIPWAY_WORKER_PORT')
  other.close()
})
