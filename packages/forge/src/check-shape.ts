import type { TSchema } from 'typebox'
import { checkFormat } from './check-format.ts'
import { childPointer } from './json-pointer.ts'
import type { Report } from './problems.ts'
import { didYouMean } from './suggest.ts'

/** The part of JSON Schema that the schemas of this package use, and their own annotations. */
interface Shape {
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  const?: unknown
  enum?: unknown[]
  anyOf?: Shape[]
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMaximum?: number
  items?: Shape
  minItems?: number
  maxItems?: number
  properties?: Record<string, Shape>
  patternProperties?: Record<string, Shape>
  required?: string[]
  additionalProperties?: boolean
  maxProperties?: number
  /** Completes "must be …". */
  expected?: string
  expectedKey?: string
  /** Which variant of `anyOf` is meant: by the value of a key, or by having no other key than one. */
  discriminator?: {
    key: string
    noun: string
    default?: string
    otherwise?: { onlyKey: string; variant: number }
  }
}

/**
 * Reports everything in which a value differs from a schema, in words for a person:
 * wrong types and values, missing and unknown keys. `directory` is that of the project,
 * for paths.
 */
export function checkShape(
  schema: TSchema,
  value: unknown,
  directory: string,
  report: Report,
): void {
  check(schema, value, '', { directory, report })
}

interface Context {
  directory: string
  report: Report
}

function check(shape: Shape, value: unknown, pointer: string, context: Context): void {
  if (shape.anyOf !== undefined) checkUnion(shape, shape.anyOf, value, pointer, context)
  else if ('const' in shape || shape.enum !== undefined) checkEnum(shape, value, pointer, context)
  else if (shape.type === 'object') checkObject(shape, value, pointer, context)
  else if (shape.type === 'array') checkArray(shape, value, pointer, context)
  else if (shape.type === 'string') checkString(shape, value, pointer, context)
  else if (!isScalarOf(shape, value))
    context.report(pointer, `must be ${expected(shape)}, not ${show(value)}.`)
}

function isScalarOf(shape: Shape, value: unknown): boolean {
  if (shape.type === undefined) return true
  if (shape.type === 'boolean') return typeof value === 'boolean'
  if (typeof value !== 'number') return false
  if (shape.type === 'integer' && !Number.isInteger(value)) return false
  return (
    value >= (shape.minimum ?? -Infinity) &&
    value <= (shape.maximum ?? Infinity) &&
    value < (shape.exclusiveMaximum ?? Infinity)
  )
}

function checkEnum(shape: Shape, value: unknown, pointer: string, { report }: Context): void {
  const allowed = shape.enum ?? [shape.const]
  if (allowed.includes(value)) return
  const words = allowed.filter((word) => typeof word === 'string')
  const hint = typeof value === 'string' ? didYouMean(value, words) : ''
  report(pointer, `must be ${list(allowed.map(show))}, not ${show(value)}.${hint}`)
}

function checkString(shape: Shape, value: unknown, pointer: string, context: Context): void {
  const { report } = context
  if (typeof value !== 'string') {
    const quote =
      typeof value === 'number' || typeof value === 'boolean' ? ' Put it in quotes.' : ''
    return report(pointer, `must be ${expected(shape)}, not ${show(value)}.${quote}`)
  }
  if (value.length < (shape.minLength ?? 0)) return report(pointer, 'must not be empty.')
  if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(value)) {
    return report(pointer, `must be ${expected(shape)}, not ${show(value)}.`)
  }
  if (value.length > (shape.maxLength ?? Infinity)) {
    return report(pointer, `must have at most ${shape.maxLength} characters, not ${value.length}.`)
  }
  const reason =
    shape.format === undefined ? null : checkFormat(shape.format, value, context.directory)
  if (reason !== null) report(pointer, `${reason}.`)
}

function checkArray(shape: Shape, value: unknown, pointer: string, context: Context): void {
  const { report } = context
  if (!Array.isArray(value)) return report(pointer, `must be a list, not ${show(value)}.`)
  if (value.length < (shape.minItems ?? 0)) report(pointer, 'must not be empty.')
  if (value.length > (shape.maxItems ?? Infinity)) {
    return report(pointer, `must have at most ${shape.maxItems} items, not ${value.length}.`)
  }
  const { items } = shape
  if (items === undefined) return
  value.forEach((item, index) => check(items, item, childPointer(pointer, index), context))
}

function checkObject(shape: Shape, value: unknown, pointer: string, context: Context): void {
  const { report } = context
  if (!isRecord(value)) return report(pointer, `must be an object, not ${show(value)}.`)
  const properties = shape.properties ?? {}
  for (const key of shape.required ?? []) {
    if (!Object.hasOwn(value, key)) report(pointer, `needs the key "${key}".`)
  }
  const keys = Object.keys(value)
  if (keys.length > (shape.maxProperties ?? Infinity)) {
    return report(pointer, `must have at most ${shape.maxProperties} entries, not ${keys.length}.`)
  }
  const [pattern, entry] = Object.entries(shape.patternProperties ?? {})[0] ?? []
  for (const key of keys) {
    const child = childPointer(pointer, key)
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (property !== undefined) check(property, value[key], child, context)
    else if (pattern !== undefined && entry !== undefined) {
      if (new RegExp(pattern, 'u').test(key)) check(entry, value[key], child, context)
      else report(child, `The key must be ${shape.expectedKey ?? 'a name'}, not ${show(key)}.`)
    } else if (shape.additionalProperties === false) {
      const missing = Object.keys(properties).filter((name) => !Object.hasOwn(value, name))
      report(
        child,
        `There is no key "${clip(key)}" here.${didYouMean(key, missing)}${known(properties)}`,
      )
    }
  }
}

function checkUnion(
  shape: Shape,
  variants: Shape[],
  value: unknown,
  pointer: string,
  context: Context,
): void {
  const { discriminator } = shape
  if (discriminator === undefined) {
    const variant = variants.find((candidate) => sameType(candidate, value))
    if (variant === undefined)
      return context.report(pointer, `must be ${expected(shape)}, not ${show(value)}.`)
    const { expected: phrase } = shape
    const named = phrase === undefined ? variant : { expected: phrase, ...variant }
    return check(named, value, pointer, context)
  }
  if (!isRecord(value)) return context.report(pointer, `must be an object, not ${show(value)}.`)
  const { key, noun, otherwise } = discriminator
  const lone = otherwise === undefined ? undefined : variants[otherwise.variant]
  if (lone !== undefined && Object.keys(value).every((name) => name === otherwise?.onlyKey)) {
    return check(lone, value, pointer, context)
  }
  const wanted = Object.hasOwn(value, key) ? value[key] : discriminator.default
  if (wanted === undefined) return context.report(pointer, `needs the key "${key}".`)
  const variant = variants.find((candidate) => candidate.properties?.[key]?.const === wanted)
  if (variant !== undefined) return check(variant, value, pointer, context)
  const names = variants.flatMap(
    (candidate) => candidate.properties?.[key]?.const ?? [],
  ) as string[]
  const hint = typeof wanted === 'string' ? didYouMean(wanted, names) : ''
  const choice = `There are ${names.join(', ')}.`
  context.report(
    childPointer(pointer, key),
    `There is no ${noun} ${show(wanted)}.${hint} ${choice}`,
  )
}

function sameType(shape: Shape, value: unknown): boolean {
  if (shape.type === 'object') return isRecord(value)
  if (shape.type === 'integer') return typeof value === 'number'
  return typeof value === shape.type
}

function expected(shape: Shape): string {
  if (shape.expected !== undefined) return shape.expected
  if (shape.type === 'boolean') return 'true or false'
  if (shape.type === 'string') return 'a string'
  const noun = shape.type === 'integer' ? 'a whole number' : 'a number'
  if (shape.minimum !== undefined && shape.maximum !== undefined) {
    return `${noun} from ${shape.minimum} to ${shape.maximum}`
  }
  return noun
}

function known(properties: Record<string, Shape>): string {
  return ` Known keys: ${Object.keys(properties).join(', ')}.`
}

function list(words: string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

/** A value as a message shows it: short, and never a whole object. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (isRecord(value)) return 'an object'
  if (value === null) return 'nothing (null)'
  return JSON.stringify(typeof value === 'string' ? clip(value) : value) ?? 'nothing'
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
