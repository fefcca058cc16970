import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LogStore, LogWriter, OpenLogOptions } from '../logs/index.ts'
import type { Executor } from '../ports/executor.ts'
import type { Identity } from '../ports/identity.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Wraps what the program works through, so that it is counted. Each wraps one of its kind. */
export interface MeasuredPorts {
  objects<T extends ObjectStore>(store: T): T
  executor(executor: Executor): Executor
  logs<T extends LogStore>(store: T): T
}

export function measurePorts(registry: Registry): MeasuredPorts {
  return {
    objects: measureObjects(registry),
    executor: measureExecutor(registry),
    logs: measureLogs(registry),
  }
}

type Operation = 'put' | 'putFile' | 'get' | 'head' | 'delete' | 'deletePrefix' | 'check'
const operations = ['put', 'putFile', 'get', 'head', 'delete', 'deletePrefix', 'check'] as const

/** Of a stream that is read, the time until its beginning. */
function measureObjects(registry: Registry): MeasuredPorts['objects'] {
  const registers = [registry]
  const durations = new Histogram({
    name: 'slipway_object_store_seconds',
    help: 'Operations of the object store; of what is read, until its beginning.',
    labelNames: ['operation'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300],
    registers,
  })
  const errors = new Counter({
    name: 'slipway_object_store_errors_total',
    help: 'Operations of the object store that failed.',
    labelNames: ['operation'],
    registers,
  })
  for (const operation of operations) errors.inc({ operation }, 0)
  return <S extends ObjectStore>(store: S): S => {
    const timed = async <T>(operation: Operation, act: () => Promise<T>): Promise<T> => {
      const end = durations.startTimer({ operation })
      try {
        return await act()
      } catch (error) {
        errors.inc({ operation })
        throw error
      } finally {
        end()
      }
    }
    return {
      ...store,
      put: (...given: Parameters<ObjectStore['put']>) => timed('put', () => store.put(...given)),
      putFile: (...given: Parameters<ObjectStore['putFile']>) =>
        timed('putFile', () => store.putFile(...given)),
      get: (...given: Parameters<ObjectStore['get']>) => timed('get', () => store.get(...given)),
      head: (key: string) => timed('head', () => store.head(key)),
      delete: (key: string) => timed('delete', () => store.delete(key)),
      deletePrefix: (prefix: string) => timed('deletePrefix', () => store.deletePrefix(prefix)),
      check: () => timed('check', () => store.check()),
    }
  }
}

function measureExecutor(registry: Registry): MeasuredPorts['executor'] {
  const registers = [registry]
  const starts = new Counter({
    name: 'slipway_executor_starts_total',
    help: 'Commands that were to be started: `started`, or `failed` because nothing could be.',
    labelNames: ['executor', 'outcome'],
    registers,
  })
  const ends = new Counter({
    name: 'slipway_executor_ends_total',
    help: 'Commands that have ended, by how.',
    labelNames: ['executor', 'outcome'],
    registers,
  })
  const running = new Gauge({
    name: 'slipway_executor_running',
    help: 'Commands that run.',
    labelNames: ['executor'],
    registers,
  })
  return (executor) => {
    const { name } = executor
    running.set({ executor: name }, 0)
    for (const outcome of ['started', 'failed']) starts.inc({ executor: name, outcome }, 0)
    return {
      name,
      // Known after `open`.
      get isolation() {
        return executor.isolation
      },
      open: () => executor.open(),
      check: () => executor.check(),
      close: () => executor.close(),
      async start(spec, sink, signal) {
        try {
          const execution = await executor.start(spec, sink, signal)
          starts.inc({ executor: name, outcome: 'started' })
          running.inc({ executor: name })
          void execution.done.then(({ outcome }) => {
            running.dec({ executor: name })
            ends.inc({ executor: name, outcome })
          })
          return execution
        } catch (error) {
          if (signal?.aborted !== true) starts.inc({ executor: name, outcome: 'failed' })
          throw error
        }
      },
    }
  }
}

function measureLogs(registry: Registry): MeasuredPorts['logs'] {
  const written = new Counter({
    name: 'slipway_log_bytes_total',
    help: 'Bytes of output that steps and containers wrote to their logs.',
    registers: [registry],
  })
  return <T extends LogStore>(store: T): T => ({
    ...store,
    async open(key: string, options: OpenLogOptions) {
      const writer = await store.open(key, options)
      const measured: LogWriter = {
        ...writer,
        write(chunk) {
          written.inc(chunk.length)
          return writer.write(chunk)
        },
      }
      return measured
    },
  })
}

/** Who asks. */
export function measureIdentity(registry: Registry): <T extends Identity>(identity: T) => T {
  const checks = new Counter({
    name: 'slipway_identity_checks_total',
    help: 'Tokens that were looked at: `accepted`, `refused`, or `failed` where nobody could tell.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  for (const outcome of ['accepted', 'refused', 'failed']) checks.inc({ outcome }, 0)
  return <T extends Identity>(identity: T): T => ({
    ...identity,
    async authenticate(bearer: string) {
      try {
        const principal = await identity.authenticate(bearer)
        checks.inc({ outcome: principal === null ? 'refused' : 'accepted' })
        return principal
      } catch (error) {
        checks.inc({ outcome: 'failed' })
        throw error
      }
    },
  })
}
