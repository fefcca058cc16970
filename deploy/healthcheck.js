// Whether the server or worker of this container is alive: exit code 0, or 1 with the reason. A server is asked at
// PORT for /livez; a worker that shows itself at SLIPWAY_WORKER_PORT for /healthz.
const { PORT, SLIPWAY_WORKER_PORT } = process.env
const url = SLIPWAY_WORKER_PORT
  ? `http://127.0.0.1:${SLIPWAY_WORKER_PORT}/healthz`
  : `http://127.0.0.1:${PORT || 3000}/livez`

try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(4_000) })
  if (!ok) throw new Error(`answered ${status}`)
} catch (error) {
  process.stderr.write(`${url}: ${error.cause?.message ?? error.message}\n`)
  process.exitCode = 1
}
