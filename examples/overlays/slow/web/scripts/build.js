import { setTimeout as wait } from 'node:timers/promises'

// Ten minutes of work that leads nowhere: a build to be cancelled.
const chunks = 600
for (let chunk = 1; chunk <= chunks; chunk += 1) {
  console.log(`[${chunk}/${chunks}] optimising chunk ${chunk}`)
  await wait(1_000)
}
