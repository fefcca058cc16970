/** What objects were written as. An object that is answered again is the same as it was: see keep-page.ts. */
const texts = new WeakMap<object, string>()

/** Writes an answer as JSON, the members of its lists once for as long as they are the same objects. */
export function writeKept(answer: object): string {
  const members = Object.entries(answer).map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${Array.isArray(value) ? list(value) : JSON.stringify(value)}`,
  )
  return `{${members.join(',')}}`
}

function list(values: readonly object[]): string {
  return `[${values.map(textOf).join(',')}]`
}

function textOf(value: object): string {
  const known = texts.get(value)
  if (known !== undefined) return known
  const text = JSON.stringify(value)
  texts.set(value, text)
  return text
}
