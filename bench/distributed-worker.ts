// A worker process of bench/distributed.ts: does nothing with jobs, and tells when it began them.
import { randomUUID } from 'node:crypto'
import { createNatsJobBus } from '../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import { openDatabase } from '../packages/server/src/db/open-database.ts'
import { openWorkLedger, registerWorker } from '../packages/server/src/jobs/index.ts'
import { plainConnection, type WorkerOrder, type WorkerReport } from './distributed-protocol.ts'

const log = { info() {}, warn() {}, error() {} }
const send = (report: WorkerReport) => void process.send?.(report)

const [url = '', nats = '', capacityText = ''] = process.argv.slice(2)
const capacity = Number(capacityText)
const database = await openDatabase({ url, log })
const deps = { db: database.db, owners: {}, wakeEvents() {}, wakeJobs() {} }
const bus = createNatsJobBus({
  connection: plainConnection(nats),
  log,
  ledger: openWorkLedger(deps),
  isOwned: () => false,
})
await bus.open()
const workerId = randomUUID()
const register = () =>
  registerWorker(deps, { id: workerId, name: 'bench', home: workerId, types: ['task'], capacity })

let begun: [string, string][] = []
const tell = setInterval(() => {
  if (begun.length > 0) send({ kind: 'begun', jobs: begun })
  begun = []
}, 10)

function subscribe() {
  return bus.subscribe({
    workerId,
    types: ['task'],
    capacity,
    handle({ id }) {
      // One clock for all processes of the machine.
      begun.push([id, String(process.hrtime.bigint())])
      return Promise.resolve({ state: 'succeeded', result: null })
    },
  })
}

let subscription: ReturnType<typeof subscribe> | null = null
process.on('message', (order: WorkerOrder) => {
  void obey(order).then(() => {
    if (order !== 'end') send({ kind: 'done', order })
  })
})

async function obey(order: WorkerOrder): Promise<void> {
  if (order === 'begin') {
    await register()
    subscription = subscribe()
  }
  if (order === 'drain') await subscription?.drain()
  if (order === 'end') {
    clearInterval(tell)
    await bus.close()
    await database.close()
    process.disconnect()
  }
}
send({ kind: 'ready' })
