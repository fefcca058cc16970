import { Role } from '@slipway/contract/access'
import Type from 'typebox'
import { asMapping } from './check-mapping.ts'
import { duration, InvalidValue, type Parse } from './parse.ts'

/** Which jobs of GitHub Actions get which roles. */
export interface GithubActionsRule {
  /** owner/name, with `*` for anything within one of the two. */
  repository: string
  /** Globs, as those of tags; both null: whatever the ref; one of them: none of the other kind. */
  branches: readonly string[] | null
  tags: readonly string[] | null
  /** Null: whatever the environment, or none. */
  environments: readonly string[] | null
  events: readonly string[]
  roles: readonly Role[]
  /** Milliseconds that a token lasts. */
  lifetimeMs: number
}

/**
 * Events that run what the repository's own people have put there. Others, such as `pull_request_target`
 * and `issue_comment`, are begun by anybody, and can run what these bring along.
 */
const ownEvents = ['push', 'workflow_dispatch', 'schedule', 'release', 'merge_group'] as const

const defaultLifetime = '15m'

const patterns = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

/** `signIn` of the file. */
export const SignInFile = Type.Object(
  {
    githubActions: Type.Optional(
      Type.Array(
        Type.Object(
          {
            repository: Type.String({
              description:
                'Repository as owner/name; `*` stands for anything within one of the two.',
            }),
            branches: patterns(
              'Branches that count, with `*` and `**`. Default: all, or none where there are `tags`.',
            ),
            tags: patterns('Tags that count. Default: all, or none where there are `branches`.'),
            environments: patterns(
              'Environments of GitHub that a job must be in one of. Default: whichever, or none.',
            ),
            events: Type.Optional(
              Type.Array(Type.String(), {
                default: [...ownEvents],
                description: 'Events that count. Anybody can cause others: take care.',
              }),
            ),
            roles: Type.Array(Role, { description: 'What such jobs are here.' }),
            lifetime: Type.Optional(
              Type.String({
                default: defaultLifetime,
                description: 'How long a token lasts, from `1m` to `6h`.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        {
          description:
            'Which jobs of GitHub Actions get a token for their ID token. Rules add up; without one, nobody.',
        },
      ),
    ),
  },
  { additionalProperties: false, description: 'Who else is let in.' },
)

/** The rules there are. `content` is the file's; every problem goes to `problem`. */
export function readGithubActionsRules(
  content: unknown,
  problem: (message: string) => void,
): readonly GithubActionsRule[] {
  const given = asMapping(content)['githubActions']
  if (!Array.isArray(given)) return []
  return given.map((rule, index) =>
    readRule(asMapping(rule), (message) => problem(`signIn.githubActions[${index}].${message}`)),
  )
}

function readRule(
  rule: Record<string, unknown>,
  problem: (message: string) => void,
): GithubActionsRule {
  const { repository } = rule
  const name = typeof repository === 'string' ? repository : ''
  if (!/^[A-Za-z0-9._*-]+\/[A-Za-z0-9._*-]+$/.test(name) || name.includes('**')) {
    problem('repository: is no pattern such as acme/shop or acme/*')
  }
  if (/^\*+\//.test(name)) problem('repository: the owner must be named, at least in part')
  const roles = texts(rule['roles']) ?? []
  if (roles.length === 0) problem('roles: must not be empty')
  const globs = (key: 'branches' | 'tags' | 'environments') => {
    const list = texts(rule[key])
    for (const [index, glob] of list?.entries() ?? []) {
      if (glob === '' || /[?[\]{}\\\s]/.test(glob)) {
        problem(`${key}[${index}]: may have only * and ** as wildcards, and no spaces`)
      }
    }
    return list
  }
  return {
    repository: name,
    branches: globs('branches'),
    tags: globs('tags'),
    environments: globs('environments'),
    events: texts(rule['events']) ?? ownEvents,
    roles: roles as Role[],
    lifetimeMs: readLifetime(rule['lifetime'], problem),
  }
}

const lifetime: Parse<number> = (text) => {
  const ms = duration(text)
  if (ms >= 60_000 && ms <= 21_600_000) return ms
  throw new InvalidValue('must be from 1m to 6h')
}

function readLifetime(value: unknown, problem: (message: string) => void): number {
  try {
    return lifetime(typeof value === 'string' ? value : defaultLifetime)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    problem(`lifetime: ${error.message}`)
    return 0
  }
}

/** Null where there is no list; what is in it and no text has been told already. */
function texts(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : null
}
