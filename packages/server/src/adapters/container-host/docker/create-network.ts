import { randomInt } from 'node:crypto'
import { type Docker, DockerRefusal, postJson } from '../../../docker/index.ts'

/** Small networks of ours in 10.213.0.0/16: an engine's own default is used up after some thirty. */
const subnetBits = 28
const attempts = 30

/** Makes a network that only containers that are put into it share. */
export async function createNetwork(
  docker: Docker,
  input: { name: string; internal: boolean; labels: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  const create = (subnet: string | null) =>
    postJson(
      docker,
      '/networks/create',
      {
        Name: input.name,
        Driver: 'bridge',
        CheckDuplicate: true,
        Internal: input.internal,
        Labels: input.labels,
        ...(subnet === null ? {} : { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
      },
      signal,
    )
  try {
    await create(null)
    return
  } catch (error) {
    if (!isFull(error)) throw error
  }
  for (let attempt = 1; ; attempt++) {
    try {
      await create(randomSubnet())
      return
    } catch (error) {
      if (!isTaken(error) || attempt === attempts) throw error
    }
  }
}

function randomSubnet(): string {
  const place = randomInt(2 ** (subnetBits - 16)) * 2 ** (32 - subnetBits)
  return `10.213.${place >> 8}.${place & 255}/${subnetBits}`
}

/** The engine has no addresses left of those that it gives by itself. */
function isFull(error: unknown): boolean {
  return error instanceof DockerRefusal && /non-overlapping|fully subnetted/i.test(error.message)
}

function isTaken(error: unknown): boolean {
  return error instanceof DockerRefusal && /overlaps/i.test(error.message)
}
