import { bytes, duration, InvalidValue } from '../config/parse.ts'
import { splitWords } from './split-words.ts'

/** What is taken of options as `docker create` has them. Null: not said. */
export interface CreateOptions {
  cpus: number | null
  memoryBytes: number | null
  pids: number | null
  user: string | null
  workdir: string | null
  /** Further names in the network. */
  aliases: readonly string[]
  health: HealthOptions
}

/** A check of a service, done by us in its container with its own environment. */
export interface HealthOptions {
  /** For `sh -c`; null: the image's own check, if it has one. */
  command: string | null
  /** Neither is looked at. */
  isOff: boolean
  /** Milliseconds. */
  intervalMs: number
  timeoutMs: number
  startPeriodMs: number
  /** Failures in a row after which it is unhealthy. */
  retries: number
}

/** What may have options: jobs, services, and the containers of steps. */
export type OptionsOf = 'job' | 'service' | 'step'

const common = new Set(['cpus', 'memory', 'pids-limit', 'user', 'workdir', 'init'])
const ofServices = new Set([
  'network-alias',
  'health-cmd',
  'health-interval',
  'health-timeout',
  'health-retries',
  'health-start-period',
  'no-healthcheck',
])
const shortNames: Readonly<Record<string, string>> = { m: 'memory', u: 'user', w: 'workdir' }
/** Those without a value. */
const switches = new Set(['init', 'no-healthcheck'])
const longestMs = 3_600_000
const mostPids = 4_194_304

/**
 * Reads options as a workflow has them. Those that take nothing from the host are known; every other is a
 * problem by its name, and so is a value that cannot be meant.
 */
export function parseOptions(
  text: string,
  of: OptionsOf,
): { options: CreateOptions; problems: string[] } {
  const problems: string[] = []
  const options = {
    cpus: null as number | null,
    memoryBytes: null as number | null,
    pids: null as number | null,
    user: null as string | null,
    workdir: null as string | null,
    aliases: [] as string[],
    health: {
      command: null as string | null,
      isOff: false,
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      retries: 3,
    },
  }
  const { health } = options
  const set: Readonly<Record<string, (value: string) => void>> = {
    cpus: (value) => (options.cpus = decimal(value, 0.01, 1_024)),
    memory: (value) => (options.memoryBytes = memory(value)),
    'pids-limit': (value) => (options.pids = decimal(value, 1, mostPids, true)),
    user: (value) => (options.user = matching(value, /^[\w.-]{1,64}(?::[\w.-]{1,64})?$/)),
    workdir: (value) => (options.workdir = matching(value, /^\/[^\0]{0,4095}$/)),
    init: () => {},
    'network-alias': (value) => options.aliases.push(matching(value, hostName)),
    'health-cmd': (value) => (health.command = matching(value, /^[^\0]{1,2000}$/)),
    'health-interval': (value) => (health.intervalMs = span(value)),
    'health-timeout': (value) => (health.timeoutMs = span(value)),
    'health-start-period': (value) => (health.startPeriodMs = span(value)),
    'health-retries': (value) => (health.retries = decimal(value, 1, 1_000, true)),
    'no-healthcheck': () => (health.isOff = true),
  }
  const words = splitWords(text)
  if (words === null) return { options, problems: ['have a quote that is not closed'] }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const option = /^(?:--([a-z][a-z-]*)|-([a-z]))(?:=([^]*))?$/.exec(word)
    if (option === null) {
      problems.push(`${JSON.stringify(word)} is no option`)
      continue
    }
    const name = option[1] ?? shortNames[option[2] ?? ''] ?? ''
    const take = set[name]
    const isKnown = common.has(name) || (of === 'service' && ofServices.has(name))
    if (take === undefined || !isKnown) {
      problems.push(`${word.split('=')[0]} is not taken here`)
      // What follows may be its value: it is not told as another problem.
      if (option[3] === undefined && words[at + 1]?.startsWith('-') === false) at += 1
      continue
    }
    const isSwitch = switches.has(name)
    const value = isSwitch ? (option[3] ?? '') : (option[3] ?? words[++at])
    if (value === undefined) {
      problems.push(`--${name} has no value`)
      continue
    }
    try {
      if (isSwitch && value !== '' && value !== 'true') throw new InvalidValue('takes no value')
      take(value)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problems.push(`--${name} ${error.message}`)
    }
  }
  return { options, problems }
}

/** A label of a DNS name. */
export const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/

function decimal(value: string, least: number, most: number, isWhole = false): number {
  const number = /^\d{1,12}(?:\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most && (!isWhole || Number.isInteger(number))) return number
  throw new InvalidValue(
    `must be ${isWhole ? 'a whole number' : 'a number'} of ${least} to ${most}`,
  )
}

/** As Docker writes it: `512m`, `2g`, `1048576`, or `2GiB`. */
function memory(value: string): number {
  const short = /^(\d{1,15})([bkmg]?)$/i.exec(value)
  if (short === null) return bytes(value)
  const factor = 1_024 ** 'bkmg'.indexOf((short[2] ?? '').toLowerCase() || 'b')
  const total = Number(short[1]) * factor
  if (Number.isSafeInteger(total) && total >= 6 * 1_024 * 1_024) return total
  throw new InvalidValue('must be 6m or more')
}

function span(value: string): number {
  const ms = duration(value)
  if (ms >= 1 && ms <= longestMs) return ms
  throw new InvalidValue('must be at most 1h')
}

function matching(value: string, form: RegExp): string {
  if (form.test(value)) return value
  throw new InvalidValue('is not of the form that it has')
}
