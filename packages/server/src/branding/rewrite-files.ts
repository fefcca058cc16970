import { askBrandingThread } from './ask-branding-thread.ts'
import type { BrandingToApply } from './branding-to-apply.ts'
import type { RewriteQuestion, RewriteResult } from './thread/messages.ts'

const mebibyte = 1024 * 1024
/** What one tree may ask of a thread. */
const limits = {
  maxFileBytes: 16 * mebibyte,
  maxGrownBytes: 64 * mebibyte,
  maxGrownTreeBytes: 1024 * mebibyte,
  maxFiles: 1_000_000,
}
/** Milliseconds that one pattern may take on one file, or that may pass without a file being done. */
const silentMs = 60_000

/** Applies a template's rules to the files of a tree, or with `scratch: null` says what that would do. */
export async function rewriteFiles(
  input: {
    directory: string
    branding: Pick<BrandingToApply, 'brandName' | 'rules'>
    /** Those of the build come before the template's own `brand_name`. */
    variables: Readonly<Record<string, string>>
    scratch: string | null
    show: RewriteQuestion['show']
    progress: (done: number, total: number) => void
  },
  signal: AbortSignal,
): Promise<{ result: RewriteResult; warnings: string[] }> {
  const { directory, branding, scratch, show } = input
  const { brandName, rules } = branding
  const own = brandName === null ? {} : { brand_name: brandName }
  const { result } = await askBrandingThread(
    {
      kind: 'rewrite',
      directory,
      rules,
      variables: { ...own, ...input.variables },
      scratch,
      show,
      ...limits,
    },
    {
      answer: 'rewritten',
      signal,
      silentMs,
      observe: (message) => {
        if (message.kind === 'progress') input.progress(message.done, message.total)
      },
    },
  )
  return { result, warnings: warningsOf(result, rules) }
}

function warningsOf(result: RewriteResult, rules: BrandingToApply['rules']): string[] {
  const idle = result.rules.flatMap(({ replacements }, index) => {
    const { pattern = '', files = [] } = rules[index] ?? {}
    const where = files.length === 0 ? '' : ` in ${shortened(files.join(', '))}`
    return replacements > 0
      ? []
      : [`Rule ${index + 1} (${shortened(pattern)}) matched nothing${where}`]
  })
  const { count, some } = result.tooLarge
  const large =
    count === 0
      ? []
      : [
          `${count} files are larger than ${limits.maxFileBytes / mebibyte} MiB and stay as they are: ${some.join(', ')}${count > some.length ? ', …' : ''}`,
        ]
  const unknown = result.unknownVariables.map(
    (name) => `{{${name}}} has no value and stays as it is`,
  )
  return [...idle, ...large, ...unknown]
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`
}
