import { suggest } from './suggest.ts'

/** The part of JSON Schema that the structured settings are written in. */
export interface Shape {
  type?: string
  enum?: readonly unknown[]
  properties?: Record<string, Shape>
  /** Of a mapping whose keys are names that the operator chooses: what each holds. */
  patternProperties?: Record<string, Shape>
  items?: Shape
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
}

/** Everything in `content` that is not of the shape, each with its place. */
export function mappingProblems(content: object, shape: Shape, prefix = ''): string[] {
  const properties = shape.properties ?? {}
  return Object.entries(content).flatMap(([key, value]): string[] => {
    const path = `${prefix}${key}`
    const property = Object.hasOwn(properties, key) ? properties[key] : named(shape)
    if (property === undefined) {
      const near = suggest(key, Object.keys(properties))
      return [`${path}: there is no such setting${near === null ? '' : `; did you mean ${near}?`}`]
    }
    return valueProblems(value, property, path)
  })
}

function named({ patternProperties = {} }: Shape): Shape | undefined {
  return Object.values(patternProperties)[0]
}

function valueProblems(value: unknown, shape: Shape, path: string): string[] {
  if (shape.enum !== undefined) {
    return shape.enum.includes(value) ? [] : [`${path}: must be one of ${shape.enum.join(', ')}`]
  }
  switch (shape.type) {
    case 'object':
      return isMapping(value)
        ? mappingProblems(value, shape, `${path}.`)
        : [`${path}: must be a mapping`]
    case 'array':
      return Array.isArray(value) ? listProblems(value, shape, path) : [`${path}: must be a list`]
    case 'integer':
      return integerProblems(value, shape, path)
    default:
      return typeof value === shape.type ? [] : [`${path}: must be a ${shape.type}`]
  }
}

function listProblems(list: readonly unknown[], shape: Shape, path: string): string[] {
  const { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = shape
  if (list.length < minItems) return [`${path}: must not be empty`]
  if (list.length > maxItems) return [`${path}: must have at most ${maxItems} entries`]
  return list.flatMap((item, index) => valueProblems(item, items, `${path}[${index}]`))
}

function integerProblems(value: unknown, shape: Shape, path: string): string[] {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = shape
  const isOne = Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum
  return isOne ? [] : [`${path}: must be a whole number of ${minimum} to ${maximum}`]
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A mapping, or none where the value is something else: its problem is told elsewhere. */
export function asMapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {}
}
