import { readFileSync } from 'node:fs'
import type { ServerPublisherConfig } from '@slipway/forge'
import Type, { type Static } from 'typebox'
import { asMapping, isMapping, mappingProblems } from './check-mapping.ts'
import { BuildsFile, type BuildTimeouts, readBuildTimeouts } from './build-timeouts.ts'
import { type EnvironmentPolicy, EnvironmentsFile, readEnvironments } from './environments.ts'
import {
  type GithubActionsRule,
  readGithubActionsRules,
  SignInFile,
} from './github-actions-rules.ts'
import { InvalidValue, duration } from './parse.ts'
import { PublishersFile, readPublishers } from './publishers.ts'
import { readRunnerClasses, type RunnerClass, RunnersFile } from './runner-classes.ts'

const defaultRetention = { runs: '90d', logs: '7d', jobs: '7d', events: '90d' } as const

const Kept = (what: keyof typeof defaultRetention, description: string) =>
  Type.Optional(Type.String({ default: defaultRetention[what], description }))

/** What the file named by `SLIPWAY_CONFIG` may hold. */
export const ConfigFile = Type.Object(
  {
    retention: Type.Optional(
      Type.Object(
        {
          runs: Kept('runs', 'How long finished runs and builds are kept, and at most their logs.'),
          logs: Kept(
            'logs',
            'How long logs are kept of runs with no release deployed anywhere; of others the longest `logRetention` of their environments holds.',
          ),
          jobs: Kept('jobs', 'How long finished jobs stay in the ledger’s history.'),
          events: Kept('events', 'How long events can be read again.'),
        },
        { additionalProperties: false, description: 'Durations such as `12h` or `90d`.' },
      ),
    ),
    environments: Type.Optional(EnvironmentsFile),
    publishers: Type.Optional(PublishersFile),
    builds: Type.Optional(BuildsFile),
    runners: Type.Optional(RunnersFile),
    signIn: Type.Optional(SignInFile),
  },
  { additionalProperties: false },
)
export type ConfigFile = Static<typeof ConfigFile>

/** How long finished things are kept, in milliseconds. */
export interface Retention {
  runsMs: number
  logsMs: number
  jobsMs: number
  eventsMs: number
}

/** What the structured settings come to. */
export interface FileConfig {
  retention: Retention
  /** What of it the file says; the rest is the default. */
  retentionOfFile: readonly (keyof typeof defaultRetention)[]
  /** Those there are, in the order they are shown in. */
  environments: readonly EnvironmentPolicy[]
  /** What artifacts of every repository may name. */
  publishers: readonly ServerPublisherConfig[]
  buildTimeouts: BuildTimeouts
  /** What serves jobs of GitHub Actions; where several are as fit, the first does. */
  runnerClasses: readonly RunnerClass[]
  /** Which jobs of GitHub Actions get a token. */
  githubActionsRules: readonly GithubActionsRule[]
}

/** Reads the structured settings; every problem goes to `problem`, with its place in the file. */
export async function readConfigFile(
  path: string | null,
  problem: (message: string) => void,
): Promise<FileConfig> {
  const content = path === null ? {} : await parseFile(path, problem)
  const ofShape = contentProblems(content)
  for (const message of ofShape) problem(message)
  const retention = asMapping(asMapping(content)['retention'])
  const time = (key: keyof typeof defaultRetention): number => {
    const text = retention[key]
    try {
      return duration(typeof text === 'string' ? text : defaultRetention[key])
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problem(`retention.${key}: ${error.message}`)
      return 0
    }
  }
  return {
    retention: {
      runsMs: time('runs'),
      logsMs: time('logs'),
      jobsMs: time('jobs'),
      eventsMs: time('events'),
    },
    retentionOfFile: (['runs', 'logs', 'jobs', 'events'] as const).filter(
      (key) => retention[key] !== undefined,
    ),
    environments: readEnvironments(asMapping(content)['environments'], problem),
    // What is of the wrong shape has been told already.
    publishers: ofShape.some((message) => message.startsWith('publishers'))
      ? []
      : readPublishers(asMapping(content)['publishers'], problem),
    buildTimeouts: readBuildTimeouts(asMapping(content)['builds'], problem),
    runnerClasses: readRunnerClasses(asMapping(content)['runners'], problem),
    githubActionsRules: readGithubActionsRules(asMapping(content)['signIn'], problem),
  }
}

async function parseFile(path: string, problem: (message: string) => void): Promise<unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    problem(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`)
    return {}
  }
  // Only now: the parser costs memory that a server without such a file can do without.
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  for (const error of document.errors) {
    problem(`line ${lines.linePos(error.pos[0]).line}: ${error.message}`)
  }
  if (document.errors.length > 0) return {}
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    problem(error instanceof Error ? error.message : 'cannot be understood')
    return {}
  }
}

function contentProblems(content: unknown): string[] {
  if (!isMapping(content)) return ['must hold a mapping of settings']
  return mappingProblems(content, ConfigFile)
}
