import { RE2JS } from 're2js'

/** Tells whether a branch name is meant. */
export type BranchMatcher = (branch: string) => boolean

/**
 * A release's `branch` pattern: a regular expression (RE2 syntax) that must match the whole
 * name, whether or not it is written with ^ and $. Runs in time linear in the name's length.
 * Throws a SyntaxError that a user can read.
 */
export function compileBranchRegex(pattern: string): BranchMatcher {
  const compiled = compile(pattern)
  return (branch) => compiled.matches(branch)
}

/**
 * An environment's `branches` pattern: `*` stands for anything within one segment of the
 * name, `**` for anything at all, every other character for itself.
 */
export function compileBranchGlob(glob: string): BranchMatcher {
  const pattern = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : RE2JS.quote(part)))
    .join('')
  const compiled = compile(pattern)
  return (branch) => compiled.matches(branch)
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL)
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    throw new SyntaxError(
      `must be a regular expression (RE2 syntax, without look-around): ${reason}`,
      { cause: error },
    )
  }
}
