/** Texts that every reader of YAML, old or new, takes for the same text without quotes. */
const plain = /^[A-Za-z_/][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*$/

/**
 * YAML that is the same for equal values, whatever order their keys are in: keys sorted, documents in
 * the order given. Whatever YAML 1.1, which Kubernetes reads, could take for something else is quoted.
 */
export async function toYaml(documents: readonly unknown[]): Promise<string> {
  // Only now: the library costs memory that a server without deployments can do without.
  const { Document, visit } = await import('yaml')
  return documents
    .map((value) => {
      const document = new Document(value, {
        schema: 'yaml-1.1',
        merge: false,
        aliasDuplicateObjects: false,
        sortMapEntries: (a, b) => compare(keyOf(a.key), keyOf(b.key)),
      })
      visit(document, {
        Scalar(_key, node) {
          if (typeof node.value !== 'string' || plain.test(node.value)) return
          if (!node.value.includes('\n')) node.type = 'QUOTE_DOUBLE'
        },
      })
      return document.toString({ lineWidth: 0 })
    })
    .join('---\n')
}

function keyOf(key: unknown): string {
  const value = typeof key === 'object' && key !== null && 'value' in key ? key.value : key
  return String(value)
}

/** By code units: the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
