import { type ClusterObject, StatusError } from './cluster-object.ts'

/** What a list or a watch is limited to, by `labelSelector` and `fieldSelector`. */
export function selector(query: URLSearchParams): (object: ClusterObject) => boolean {
  const labels = (query.get('labelSelector') ?? '').split(',').filter(Boolean).map(parse)
  const fields = (query.get('fieldSelector') ?? '').split(',').filter(Boolean).map(parse)
  return (object) =>
    labels.every(({ name, isEqual, value }) => {
      const actual = object.metadata.labels?.[name]
      if (value === null) return (actual !== undefined) === isEqual
      return (actual === value) === isEqual
    }) &&
    fields.every(({ name, isEqual, value }) => ((at(object, name) ?? '') === value) === isEqual)
}

function parse(text: string): { name: string; isEqual: boolean; value: string | null } {
  const match = /^(!?)([\w./-]+)(?:(==?|!=)([\w./-]*))?$/.exec(text)
  if (match === null)
    throw new StatusError(400, 'BadRequest', `unable to parse requirement: ${text}`)
  const [, not = '', name = '', operator, value = ''] = match
  if (operator === undefined) return { name, isEqual: not === '', value: null }
  return { name, isEqual: operator !== '!=', value }
}

function at(object: ClusterObject, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => (value as Record<string, unknown> | undefined)?.[name],
      object,
    )
}
