// The room of metrics: what the server counts of itself, for Prometheus.
export { type Metrics, openMetrics } from './open-metrics.ts'
export { openWorkerMetrics, type WorkerMetrics } from './open-worker-metrics.ts'
