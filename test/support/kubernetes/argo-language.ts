import { runInNewContext } from 'node:vm'

/** What stands for `{{…}}` in a template. */
export type Scope = Readonly<Record<string, string>>

/**
 * Fills in a part of a workflow, as Argo Workflows do: in its JSON, with quotes escaped.
 *
 * @throws Error for what stands for nothing
 */
export function fillIn<T>(part: T, scope: Scope): T {
  const text = JSON.stringify(part).replaceAll(/\{\{([^{}]+)\}\}/g, (_whole, key: string) => {
    const value = scope[key.trim()]
    if (value === undefined) throw new Error(`failed to resolve {{${key}}}`)
    return JSON.stringify(value).slice(1, -1)
  })
  return JSON.parse(text) as T
}

/** A `when` of one comparison, with everything filled in. */
export function holds(when: string): boolean {
  const [, left = '', operator, right = ''] = /^\s*(\S*)\s*(==|!=)\s*(\S*)\s*$/.exec(when) ?? []
  if (operator === undefined) throw new Error(`Invalid 'when' expression '${when}'`)
  return operator === '==' ? left === right : left !== right
}

/** Whether a `retryStrategy.expression` wants another attempt; what is used of the language is JavaScript, too. */
export function wantsRetry(
  expression: string,
  lastRetry: { exitCode: string; status: string },
): boolean {
  return runInNewContext(expression, { lastRetry, asInt: Number }) === true
}
