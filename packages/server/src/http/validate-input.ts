import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import ajvFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'

/** Values in an input up to which every problem is looked for; above, the first one is enough. */
const thoroughUpTo = 2_000

/** What is the same for every part of a request. */
const common: Options = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  removeAdditional: false,
  useDefaults: true,
}

/**
 * Compiles the schemas of requests. Texts in paths, queries and headers become the numbers and
 * booleans that their schema asks for; bodies are taken as they are. Every problem of an input is
 * reported, unless it is so large that reporting would cost more than it did to send it.
 * A schema is compiled when it is first needed: starting takes no time, idle routes no memory.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const ofText = [
    createAjv({ coerceTypes: 'array' }),
    createAjv({ coerceTypes: 'array', allErrors: true }),
  ]
  const ofBody = [createAjv({}), createAjv({ allErrors: true })]
  return ({ schema, httpPart }) => {
    const [quick, thorough] = httpPart === 'body' ? ofBody : ofText
    let first: ValidateFunction | undefined
    let all: ValidateFunction | undefined
    const validate = (data: unknown): boolean => {
      first ??= quick?.compile(schema)
      if (first?.(data) === true) return true
      validate.errors = first?.errors ?? []
      if (isSmall(data)) {
        all ??= thorough?.compile(schema)
        all?.(data)
        validate.errors = all?.errors ?? validate.errors
      }
      return false
    }
    validate.errors = [] as ErrorObject[]
    return validate
  }
}

function createAjv(options: Options): Ajv {
  const ajv = new Ajv({ ...common, ...options })
  ajvFormats.default(ajv, ['date-time', 'date', 'uri'])
  // That of ajv-formats takes `urn:uuid:` in front, which the database does not.
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  return ajv
}

/** Whether `data` holds at most `thoroughUpTo` values; looks at no more than that. */
function isSmall(data: unknown): boolean {
  let count = 0
  const pending: unknown[] = [data]
  while (pending.length > 0) {
    const value = pending.pop()
    if (typeof value !== 'object' || value === null) continue
    const parts = Array.isArray(value) ? value : Object.values(value)
    count += parts.length
    if (count > thoroughUpTo) return false
    for (const part of parts) pending.push(part)
  }
  return true
}
