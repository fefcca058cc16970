import { readFileSync } from 'node:fs'
import Type, { type Static } from 'typebox'
import { InvalidValue, duration } from './parse.ts'
import { suggest } from './suggest.ts'

const defaultRetention = { runs: '90d', jobs: '7d', events: '90d' } as const

const Kept = (what: keyof typeof defaultRetention, description: string) =>
  Type.Optional(Type.String({ default: defaultRetention[what], description }))

/** What the file named by `SLIPWAY_CONFIG` may hold. */
export const ConfigFile = Type.Object(
  {
    retention: Type.Optional(
      Type.Object(
        {
          runs: Kept('runs', 'How long finished runs and their logs are kept.'),
          jobs: Kept('jobs', 'How long finished jobs stay in the ledger’s history.'),
          events: Kept('events', 'How long events can be read again.'),
        },
        { additionalProperties: false, description: 'Durations such as `12h` or `90d`.' },
      ),
    ),
  },
  { additionalProperties: false },
)
export type ConfigFile = Static<typeof ConfigFile>

/** How long finished things are kept, in milliseconds. */
export interface Retention {
  runsMs: number
  jobsMs: number
  eventsMs: number
}

/** What the structured settings come to. */
export interface FileConfig {
  retention: Retention
}

/** Reads the structured settings; every problem goes to `problem`, with its place in the file. */
export async function readConfigFile(
  path: string | null,
  problem: (message: string) => void,
): Promise<FileConfig> {
  const content = path === null ? {} : await parseFile(path, problem)
  for (const message of contentProblems(content)) problem(message)
  const retention: Record<string, unknown> = isMapping(content)
    ? asMapping(content['retention'])
    : {}
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
      jobsMs: time('jobs'),
      eventsMs: time('events'),
    },
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
  return mappingProblems(content, ConfigFile, '')
}

interface Shape {
  type?: string
  properties?: Record<string, Shape>
}

function mappingProblems(content: object, shape: Shape, prefix: string): string[] {
  const properties = shape.properties ?? {}
  return Object.entries(content).flatMap(([key, value]): string[] => {
    const path = `${prefix}${key}`
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (property === undefined) {
      const near = suggest(key, Object.keys(properties))
      return [`${path}: there is no such setting${near === null ? '' : `; did you mean ${near}?`}`]
    }
    if (property.type === 'object') {
      return isMapping(value)
        ? mappingProblems(value, property, `${path}.`)
        : [`${path}: must be a mapping`]
    }
    return typeof value === property.type ? [] : [`${path}: must be a ${property.type}`]
  })
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asMapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {}
}
