import { afterAll, beforeAll } from 'vitest'
import { startNats, type TestNats } from '../support/nats.ts'
import { jobBusSuite } from './job-bus.suite.ts'
import { makeNatsWorld } from './nats-world.ts'

const never = 3_600_000

let nats: TestNats
beforeAll(async () => {
  nats = await startNats()
})
afterAll(async () => {
  await nats.close()
})

jobBusSuite('nats', ({ safetyNet }) =>
  makeNatsWorld({
    servers: [nats.host],
    keepMs: safetyNet === 'quick' ? 100 : null,
    pollMs: safetyNet === 'quick' ? 100 : never,
    async cut() {
      await nats.kill()
      await nats.start()
    },
  }),
)
