import { makeEmbeddedWorld } from './job-bus-world.ts'
import { jobBusSuite } from './job-bus.suite.ts'

jobBusSuite('embedded', ({ safetyNet }) =>
  makeEmbeddedWorld({ pollMs: safetyNet === 'quick' ? 100 : 3_600_000 }),
)
