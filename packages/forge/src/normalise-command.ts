import { defaultAction, findAction } from './actions/table.ts'
import type { CommandConfig, SecretConfig, StepConfig } from './config.ts'
import { parseDuration } from './duration.ts'

/** A step or producer as it was written, after all checks. */
export interface WrittenCommand {
  action?: string
  timeout?: string
  env?: Record<string, string | number | boolean>
  secrets?: (string | { name: string; env?: string; file?: boolean })[]
  image?: string
  network?: 'host' | 'none'
  [key: string]: unknown
}

export function normaliseCommand(written: WrittenCommand, defaultTimeoutMs: number): CommandConfig {
  const action = findAction(written.action ?? defaultAction)
  if (action === undefined) throw new TypeError('the step has not been checked')
  const own = Object.keys(action.keys).filter((key) => written[key] !== undefined)
  const env = Object.entries(written.env ?? {}).map(([name, value]) => [name, String(value)])
  return {
    action: action.name,
    with: Object.fromEntries(own.map((key) => [key, written[key]])),
    timeoutMs: written.timeout === undefined ? defaultTimeoutMs : parseDuration(written.timeout),
    env: Object.fromEntries(env) as Record<string, string>,
    secrets: (written.secrets ?? []).map(normaliseSecret),
    image: written.image ?? null,
    network: written.network ?? 'host',
  }
}

export function normaliseStep(
  written: WrittenCommand & { name: string; needs?: string[] },
  defaultTimeoutMs: number,
): StepConfig {
  return {
    name: written.name,
    needs: written.needs ?? [],
    ...normaliseCommand(written, defaultTimeoutMs),
  }
}

function normaliseSecret(secret: NonNullable<WrittenCommand['secrets']>[number]): SecretConfig {
  if (typeof secret === 'string') return { name: secret, env: secret, file: false }
  return { name: secret.name, env: secret.env ?? secret.name, file: secret.file ?? false }
}
