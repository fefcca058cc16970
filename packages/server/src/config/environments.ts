import type { Role } from '@slipway/contract/access'
import Type from 'typebox'
import { asMapping } from './check-mapping.ts'
import { InvalidValue, duration } from './parse.ts'

const approverRoles = ['developer', 'approver', 'operator', 'admin'] as const satisfies Role[]
const triggers = ['branch', 'tag', 'manual'] as const

/** A role whose holders can be let approve. */
export type ApproverRole = (typeof approverRoles)[number]
/** What a release was made for: a push to a branch, a tag, or because somebody asked. */
export type EnvironmentTrigger = (typeof triggers)[number]

/** What must be true of a deployment to an environment, and what is deployed to it unasked. */
export interface EnvironmentPolicy {
  name: string
  approval: {
    required: boolean
    /** How many different people must approve. */
    approvals: number
    /** Whose approval counts; none: nobody's. */
    roles: readonly ApproverRole[]
    expiresMs: number
    /** Whether the approval of whoever deploys counts. */
    selfApproval: boolean
  }
  /** Globs of branches that are deployed automatically; none: no branch. */
  branches: readonly string[]
  /** Globs of a repository's own, of which one must match as well; null: it has none. */
  repositoryBranches: readonly string[] | null
  /** Release triggers that are deployed automatically. */
  triggers: readonly EnvironmentTrigger[]
  autoDeploy: boolean
  logRetentionDays: number
}

const hourMs = 3_600_000

/** How an environment is that says nothing of itself, and what the well-known ones say. */
const common: Omit<EnvironmentPolicy, 'name'> = {
  approval: {
    required: false,
    approvals: 1,
    roles: ['approver', 'operator', 'admin'],
    expiresMs: 24 * hourMs,
    selfApproval: true,
  },
  branches: ['**'],
  repositoryBranches: null,
  triggers: ['branch', 'tag'],
  autoDeploy: false,
  logRetentionDays: 30,
}
const wellKnown: readonly EnvironmentPolicy[] = [
  { ...common, name: 'dev', autoDeploy: true, logRetentionDays: 7 },
  { ...common, name: 'staging', branches: ['main', 'release/*'], triggers: ['branch'] },
  {
    ...common,
    name: 'production',
    approval: { ...common.approval, required: true },
    triggers: ['tag', 'manual'],
    logRetentionDays: 90,
  },
]

const EnvironmentFile = Type.Object(
  {
    approval: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(
            Type.Boolean({
              description: 'Whether deploying needs an approval. `true` for production.',
              default: false,
            }),
          ),
          approvals: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 20,
              description: 'How many different people must approve, 1 to 20.',
              default: 1,
            }),
          ),
          roles: Type.Optional(
            Type.Array(Type.Enum([...approverRoles]), {
              minItems: 1,
              maxItems: approverRoles.length,
              description: `Whose approval counts: any of ${approverRoles.map((role) => `\`${role}\``).join(', ')}.`,
              default: common.approval.roles,
            }),
          ),
          expires: Type.Optional(
            Type.String({
              description: 'How long an approval holds, from `1m` to `30d`.',
              default: '24h',
            }),
          ),
          selfApproval: Type.Optional(
            Type.Boolean({
              description: 'Whether the approval of whoever deploys counts.',
              default: true,
            }),
          ),
        },
        { additionalProperties: false, description: 'Who must approve a deployment.' },
      ),
    ),
    branches: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: 50,
        description:
          'Branches that are deployed automatically: `*` is anything up to a `/`, `**` anything. `main` and `release/*` for staging.',
        default: common.branches,
      }),
    ),
    triggers: Type.Optional(
      Type.Array(Type.Enum([...triggers]), {
        maxItems: triggers.length,
        description:
          'Release triggers that are deployed automatically: `branch`, `tag`, `manual`. `branch` for staging, `tag` and `manual` for production.',
        default: common.triggers,
      }),
    ),
    autoDeploy: Type.Optional(
      Type.Boolean({
        description:
          'Whether new releases are deployed unasked; not together with an approval. `true` for dev.',
        default: false,
      }),
    ),
    logRetention: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3_650,
        description:
          'Days that logs of runs are kept whose release was deployed here. 7 for dev, 90 for production.',
        default: common.logRetentionDays,
      }),
    ),
  },
  { additionalProperties: false },
)

/** `environments` of the file: what differs from the defaults, and further environments. */
export const EnvironmentsFile = Type.Record(Type.String(), EnvironmentFile, {
  description:
    'Environments by name: `dev`, `staging` and `production` are there already, others are added. What is not said stays as it is.',
})

const nameSyntax = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const expiryMs = { least: 60_000, most: 30 * 24 * hourMs }
const maxEnvironments = 50

/**
 * The environments there are, the well-known ones first. `content` is the file's, whose shape is
 * checked already; what is wrong beyond the shape goes to `problem`.
 */
export function readEnvironments(
  content: unknown,
  problem: (message: string) => void,
): readonly EnvironmentPolicy[] {
  const written = asMapping(content)
  const further = Object.keys(written).filter(
    (name) => !wellKnown.some((known) => known.name === name),
  )
  for (const name of further) {
    if (nameSyntax.test(name)) continue
    problem(
      `environments.${name}: a name is at most 63 letters, digits, ".", "_" and "-", the first a letter or digit`,
    )
  }
  if (further.length > maxEnvironments) {
    problem(`environments: there can be at most ${maxEnvironments} besides the three of old`)
  }
  const defaults = [...wellKnown, ...further.map((name) => ({ ...common, name }))]
  return defaults.map((policy) =>
    configure(policy, asMapping(written[policy.name]), (message) =>
      problem(`environments.${policy.name}.${message}`),
    ),
  )
}

function configure(
  base: EnvironmentPolicy,
  written: Record<string, unknown>,
  problem: (message: string) => void,
): EnvironmentPolicy {
  const approval = asMapping(written['approval'])
  const policy: EnvironmentPolicy = {
    ...base,
    approval: {
      required: pick(approval['required'], base.approval.required),
      approvals: pick(approval['approvals'], base.approval.approvals),
      roles: pickList(approval['roles'], base.approval.roles),
      expiresMs: expiry(approval['expires'], base.approval.expiresMs, problem),
      selfApproval: pick(approval['selfApproval'], base.approval.selfApproval),
    },
    branches: pickList(written['branches'], base.branches),
    triggers: pickList(written['triggers'], base.triggers),
    autoDeploy: pick(written['autoDeploy'], base.autoDeploy),
    logRetentionDays: pick(written['logRetention'], base.logRetentionDays),
  }
  for (const [index, glob] of policy.branches.entries()) {
    if (typeof glob === 'string' && (glob === '' || /[?[\]{}\\\s]/.test(glob))) {
      problem(`branches[${index}]: may have only * and ** as wildcards, and no spaces`)
    }
  }
  if (policy.autoDeploy && policy.approval.required) {
    problem(
      'autoDeploy: nothing is deployed unasked where approval.required is true; set one of them to false',
    )
  }
  return policy
}

/** What was written, if it is of the right type; what is not has been told already. */
function pick<T extends boolean | number>(written: unknown, otherwise: T): T {
  return typeof written === typeof otherwise ? (written as T) : otherwise
}

function pickList<T extends string>(written: unknown, otherwise: readonly T[]): readonly T[] {
  return Array.isArray(written) ? (written as T[]) : otherwise
}

function expiry(written: unknown, otherwise: number, problem: (message: string) => void): number {
  if (typeof written !== 'string') return otherwise
  try {
    const ms = duration(written)
    if (ms >= expiryMs.least && ms <= expiryMs.most) return ms
    problem('approval.expires: must be from 1m to 30d')
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    problem(`approval.expires: ${error.message}`)
  }
  return otherwise
}
