import { ConfigError, readConfig } from '../../packages/server/src/config/read-config.ts'

/** What settings are refused for; empty: nothing. */
export async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  try {
    await readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** What an environment asks of approvals unless its file says otherwise. */
export const noApproval = {
  required: false,
  approvals: 1,
  roles: ['approver', 'operator', 'admin'],
  expiresMs: 86_400_000,
  selfApproval: true,
}
