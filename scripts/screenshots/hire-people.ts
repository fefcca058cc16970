import type { Role } from '@slipway/contract/access'
import { createClient, type SlipwayClient } from '@slipway/sdk'
import type { TestServer } from '../../test/support/server.ts'

export interface People {
  admin: SlipwayClient
  mara: SlipwayClient
  jonas: SlipwayClient
  priya: SlipwayClient
  /** Reports jobs that run on machines of its own. */
  macs: SlipwayClient
}

/** Gives everybody of the company a token. */
export async function hirePeople(server: TestServer): Promise<People> {
  const admin = createClient({ baseUrl: server.url, token: server.token })
  const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()
  const hire = async (
    name: string,
    roles: Role[],
    more: { repositories?: string[]; expires_at?: string } = {},
  ) => {
    const { token } = await admin.tokens.create({ name, roles, ...more })
    return createClient({ baseUrl: server.url, token })
  }
  const mara = await hire('mara', ['developer'])
  const jonas = await hire('jonas', ['developer', 'approver'])
  const priya = await hire('priya', ['operator'])
  await hire('tomasz', ['developer'], {
    repositories: ['kestrel/mobile', 'kestrel/handbook'],
    expires_at: days(90),
  })
  await hire('office screen', ['viewer'], { expires_at: days(365) })
  const macs = await hire('mac-runners', ['service-account'])
  return { admin, mara, jonas, priya, macs }
}
