import type { EnvironmentConfig } from '@slipway/forge'
import type { EnvironmentPolicy } from '../config/environments.ts'

/**
 * The server's policy with what a repository's `.forge` asks for beyond it. A commit can ask for
 * more approvals, of fewer roles, for a shorter time, and be deployed unasked in fewer cases;
 * it can never take anything away that the server demands. Logs can be kept for a shorter time only:
 * what is stored for how long at the most is the operator's to say.
 */
export function tightenPolicy(
  server: EnvironmentPolicy,
  fromForge: EnvironmentConfig | null,
): EnvironmentPolicy {
  if (fromForge === null) return server
  const { approval, branches, triggers, autoDeploy, logRetentionDays } = fromForge
  return {
    name: server.name,
    approval: {
      required: server.approval.required || approval.required === true,
      approvals: Math.max(server.approval.approvals, approval.approvals ?? 0),
      roles: within(server.approval.roles, approval.roles),
      expiresMs: Math.min(
        server.approval.expiresMs,
        approval.expiresMs ?? Number.POSITIVE_INFINITY,
      ),
      selfApproval: server.approval.selfApproval && approval.selfApproval !== false,
    },
    branches: server.branches,
    repositoryBranches: branches,
    triggers: within(server.triggers, triggers),
    autoDeploy: server.autoDeploy && autoDeploy !== false,
    logRetentionDays: Math.min(
      server.logRetentionDays,
      logRetentionDays ?? Number.POSITIVE_INFINITY,
    ),
  }
}

function within<T extends string>(
  allowed: readonly T[],
  asked: readonly string[] | null,
): readonly T[] {
  return asked === null ? allowed : allowed.filter((one) => asked.includes(one))
}
