import Type, { type TSchema } from 'typebox'

// `expected` completes "must be …" in a message; `format` names a check of `checkFormat`.

/** Names of phases, steps, artifacts, publishers and environments: they become parts of paths. */
const namePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'
const nameExpected = 'a name of at most 63 letters, digits, ".", "_" and "-"'

/** A project's name: lower case, since it is also the name of an OCI repository. */
export const projectNamePattern = '^[a-z0-9][a-z0-9._-]{0,62}$'
export const projectNameExpected =
  'a name of at most 63 lower-case letters, digits, ".", "_" and "-", starting with a letter or digit'

export function Name(description: string) {
  return Type.String({ pattern: namePattern, expected: nameExpected, description })
}

export function Text(description: string, maxLength = 1_000) {
  return Type.String({ minLength: 1, maxLength, description })
}

/** `1h30m`; from 1 second to 24 hours. */
export function Timeout(description: string) {
  return Type.String({ format: 'timeout', description })
}

/** A path relative to the project's directory that stays inside of the repository. */
export function RepositoryPath(description: string) {
  return Type.String({ minLength: 1, maxLength: 1_000, format: 'path', description })
}

/** A command's further arguments, handed over one by one, never through a shell. */
export function Arguments(description: string) {
  return Type.Array(Type.String({ maxLength: 8_000 }), { maxItems: 200, description })
}

/** An object with names of the user's own as keys. */
export function NamedRecord<Value extends TSchema>(
  value: Value,
  description: string,
  maxItems: number,
) {
  return Type.Record(Type.String({ pattern: namePattern }), value, {
    additionalProperties: false,
    maxProperties: maxItems,
    expectedKey: nameExpected,
    description,
  })
}

/** Environment variables; numbers and booleans are written as text. */
export function Variables(description: string) {
  const value = Type.Union([Type.String({ maxLength: 32_768 }), Type.Number(), Type.Boolean()], {
    expected: 'a string, a number or a boolean',
  })
  return Type.Record(Type.String({ pattern: variablePattern }), value, {
    additionalProperties: false,
    maxProperties: 200,
    expectedKey: variableExpected,
    description,
  })
}

export const variablePattern = '^[A-Za-z_][A-Za-z0-9_]{0,127}$'
export const variableExpected =
  'a variable name: letters, digits and "_", not starting with a digit'
