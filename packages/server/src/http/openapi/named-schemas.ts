/** Replaces a schema, or what it holds, by placeholders of the schemas that have a name (`$id`). */
export type Refer = (schema: unknown) => unknown

export interface NamedSchemas {
  refer: Refer
  /** The document with references instead of placeholders, and the schemas they refer to. */
  finish(document: object): object
}

const placeholder = 'x-named-schema'

/**
 * Collects the schemas that have a name. They pass the generator as placeholders, because it makes
 * references of some of them only.
 */
export function collectNamedSchemas(): NamedSchemas {
  const schemas = new Map<string, object>()

  function refer(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(refer)
    if (!isObject(node)) return node
    const { $id: name, ...rest } = node
    if (typeof name !== 'string') return mapValues(node, refer)
    if (!schemas.has(name)) {
      schemas.set(name, {})
      schemas.set(name, mapValues(rest, refer))
    }
    return { [placeholder]: name }
  }

  function resolve(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(resolve)
    if (!isObject(node)) return node
    const name = node[placeholder]
    if (typeof name === 'string') return { $ref: `#/components/schemas/${name}` }
    return mapValues(node, resolve)
  }

  return {
    refer,
    finish(document) {
      const { components, ...rest } = document as { components?: object }
      const byName = [...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))
      return {
        ...(resolve(rest) as object),
        components: { ...components, schemas: resolve(Object.fromEntries(byName)) },
      }
    },
  }
}

function isObject(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null
}

function mapValues(node: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]))
}
