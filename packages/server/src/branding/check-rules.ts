import type { BrandingRule } from '@slipway/contract/branding'
import { AppError } from '../errors.ts'
import { askBrandingThread } from './ask-branding-thread.ts'
import { ThreadFailure } from './ask-thread.ts'

/** Milliseconds that judging the rules of a template may take: patterns are compiled for it. */
const checkMs = 20_000

/**
 * Refuses rules that cannot be applied, with every problem at once and where in the pattern it is:
 * `invalid_request`. Patterns are tried in a thread of their own, since large ones take long.
 */
export async function checkRules(
  deps: { oneByOne: <T>(task: () => Promise<T>) => Promise<T> },
  rules: readonly BrandingRule[],
  signal: AbortSignal,
): Promise<void> {
  const needsThread = rules.some((rule) => rule.use_regex === true || rule.files !== undefined)
  if (!needsThread) return
  const question = { kind: 'check', rules: rules.map(toRuleText) } as const
  const problems = await deps
    .oneByOne(() => askBrandingThread(question, { answer: 'checked', signal, silentMs: checkMs }))
    .then(
      (answer) => answer.problems,
      (error: unknown) => {
        if (!(error instanceof ThreadFailure)) throw error
        return [{ path: '', message: 'are more than can be judged: make their patterns smaller' }]
      },
    )
  if (problems.length === 0) return
  const all = problems.map(({ path, message }) => ({ path: `/replacement_rules${path}`, message }))
  const [first] = all
  throw new AppError('invalid_request', `The body is not valid: ${first?.path} ${first?.message}`, {
    problems: all.slice(0, 100),
  })
}

/** With what the contract lets be left out. */
export function toRuleText(rule: BrandingRule): BrandingRule & { use_regex: boolean } {
  return { ...rule, use_regex: rule.use_regex ?? false }
}
