import type { CredentialField, CredentialType } from '@slipway/contract/credentials'
import { CliError } from '../cli-error.ts'
import type { Io } from '../io.ts'
import { readSecret, readSecretFile } from '../read-secret.ts'

/** Where the fields of a credential come from. */
export interface DataFlags {
  /** `field=value`, for what is no secret. */
  set?: string[]
  /** `field=file`. */
  from?: string[]
}

/**
 * Collects what a type of credential holds. What is secret comes from files; of what is missing, one field
 * is read from standard input, or all are asked for at a terminal.
 */
export async function readCredentialData(
  io: Io,
  type: CredentialType,
  flags: DataFlags,
): Promise<Record<string, string>> {
  const { credentialFields } = await import('@slipway/contract/credentials')
  const fields = credentialFields(type)
  const data: Record<string, string> = {}
  for (const [name, value] of (flags.set ?? []).map(assignment)) {
    const field = fieldNamed(fields, name, type)
    if (field.secret) {
      throw new CliError(
        `${name} is secret, and everybody on this machine could read it here`,
        `Give it from a file: --from ${name}=<file>, or pipe it in.`,
      )
    }
    data[name] = value
  }
  for (const [name, file] of (flags.from ?? []).map(assignment)) {
    const field = fieldNamed(fields, name, type)
    const text = file === '-' ? await io.in.readAll() : await readSecretFile(io, file)
    data[name] = field.multiline ? text : text.replace(/\r?\n$/, '')
  }
  const missing = fields.filter(({ name, required }) => required && data[name] === undefined)
  const plain = missing.filter(({ secret }) => !secret).map(({ name }) => name)
  if (plain.length > 0) {
    throw new CliError(`${type} needs ${plain.map((name) => `--set ${name}=…`).join(' ')}`)
  }
  if (missing.length > 1 && !io.in.isTerminal) {
    const wanted = missing.map(({ name }) => `--from ${name}=<file>`).join(' ')
    throw new CliError(`Only one of these can be piped in: ${wanted}`)
  }
  for (const { name, multiline } of missing) {
    if (multiline && io.in.isTerminal) {
      throw new CliError(`${name} has several lines: --from ${name}=<file>`)
    }
    data[name] = await readSecret(io, { file: undefined, question: `${name}: ` })
  }
  return data
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new CliError(`${text.slice(0, 40)} is not of the form field=value`)
}

function fieldNamed(
  fields: readonly CredentialField[],
  name: string,
  type: string,
): CredentialField {
  const field = fields.find((candidate) => candidate.name === name)
  if (field !== undefined) return field
  const known = fields.map((candidate) => candidate.name).join(', ')
  throw new CliError(`${type} has no ${name}; it has ${known}`)
}
