import { unknownFields } from './known-fields.ts'
import type { ClusterObject } from './cluster-object.ts'

/** One kind of objects that a stand-in API server keeps. */
export interface ResourceType {
  /** Empty for the core group. */
  group: string
  version: string
  plural: string
  kind: string
  /** Parts of an object that are asked for by themselves: `status`, `log`. */
  subresources: readonly string[]
  /** What deleting an object does with those it owns, where the request does not say. */
  deletesDependents: boolean
  /** Everything that the published schema has against it. */
  validate(object: unknown): string[]
  /** What the API server itself has against a change, beyond the schema; null: it is new. */
  check?(object: ClusterObject, before: ClusterObject | null): string[]
  /** What the API server adds to a new object. */
  fill?(object: ClusterObject): void
}

/** A class of `kubernetes-models` and its kin. */
interface Model {
  new (data: never): { validate(): void }
  apiVersion: string
  kind: string
}

/**
 * @param model the class with the compiled validator
 * @param module where the class comes from: the types beside it name all fields
 */
export function resourceType(
  model: Model,
  module: string,
  more: Partial<ResourceType> & { plural: string },
): ResourceType {
  const [version = '', group = ''] = model.apiVersion.split('/').toReversed()
  return {
    group,
    version,
    kind: model.kind,
    subresources: ['status'],
    deletesDependents: true,
    ...more,
    validate(object) {
      const problems = unknownFields(module, object).map((path) => `unknown field "${path}"`)
      try {
        new model(object as never).validate()
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error))
      }
      return problems
    },
  }
}
