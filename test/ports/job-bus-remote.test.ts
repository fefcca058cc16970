import type { AddressInfo } from 'node:net'
import { createRemoteJobBus } from '../../packages/server/src/adapters/job-bus/remote/create-remote-job-bus.ts'
import type { JobBus } from '../../packages/server/src/ports/job-bus.ts'
import { openWorkerApi } from '../../packages/server/src/remote/http/open-worker-api.ts'
import { openWorkerClient } from '../../packages/server/src/remote/http/open-worker-client.ts'
import { createRemoteLedger } from '../../packages/server/src/remote/remote-ledger.ts'
import { quietLog } from '../support/quiet-log.ts'
import { createWorkersApp, serverVersion } from '../support/workers-app.ts'
import type { JobBusWorld } from './job-bus-tools.ts'
import { makeLedgerWorld } from './job-bus-world.ts'
import { jobBusSuite } from './job-bus.suite.ts'

const never = 3_600_000

/** Workers on other machines, and one server with the database, which they reach by HTTP. */
async function makeRemoteWorld(pollMs: number): Promise<JobBusWorld> {
  const test = await createWorkersApp({}, { retryDelayMs: 5 })
  const token = await test.tokenFor(['worker'])
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = test.app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const apis = new Set<{ close(): void }>()

  const all = new Set<JobBus>()
  const makeBus = (): JobBus => {
    const api = openWorkerApi({ url, token: { current: () => token }, version: serverVersion })
    apis.add(api)
    const client = openWorkerClient({ api, token: { reload: async () => false } })
    // A process may have several workers here; each asks in its own name.
    const ledgerOf = (workerId: string) => createRemoteLedger(client, workerId)
    const open = (workerId: string) =>
      createRemoteJobBus({ ledger: ledgerOf(workerId), api, log: quietLog, pollMs })
    const buses = new Map<string, JobBus>()
    const first = open('00000000-0000-4000-8000-000000000000')
    const bus: JobBus = {
      ...first,
      // What the server does when it has committed something.
      wake: (jobs) => test.signals.queued([...new Set(jobs.map(({ type }) => type))]),
      cancel: (ids) => test.signals.stopped(ids),
      subscribe(options) {
        const own = buses.get(options.workerId) ?? open(options.workerId)
        buses.set(options.workerId, own)
        return own.subscribe(options)
      },
      async check() {
        await first.check()
      },
      async close() {
        await Promise.all([first, ...buses.values()].map((each) => each.close()))
      },
    }
    all.add(bus)
    return bus
  }
  const world = await makeLedgerWorld({
    database: test.database,
    makeBus,
    cut: async () => test.app.server.closeAllConnections(),
  })
  return {
    ...world,
    losesAnswers: true,
    addWorker: (types) => test.register(token, { types }),
    async close() {
      await Promise.all([...all].map((bus) => bus.close()))
      for (const api of apis) api.close()
      await test.close()
    },
  }
}

const makeWorld = ({ safetyNet }: { safetyNet: 'quick' | 'never' }) =>
  makeRemoteWorld(safetyNet === 'quick' ? 100 : never)
jobBusSuite('remote', makeWorld)
