import { childPointer } from '../json-pointer.ts'
import type { DocumentProblem } from '../parsed-document.ts'

const label = '(?:"(?:[^"\\\\]|\\\\.)*"|[\\p{L}\\p{Nd}_$#-]+)'
const located = new RegExp(`^(${label}(?:\\.${label})*): (.+)$`, 'su')
const position = /:(\d{1,7}):\d+\s*$/m

/** A CUE error message as a problem: its path as a JSON pointer, its line where CUE tells it. */
export function explainCueError(text: string): DocumentProblem {
  const line = position.exec(text)?.[1]
  const [start = ''] = text.replace(/^(?:cue: )?(?:marshal error: )?/, '').split('\n')
  const first = start.replace(/:$/, '').slice(0, 500)
  const [, where, why] = located.exec(first) ?? []
  const path = where === undefined ? '' : toPointer(where)
  const reason = why ?? first
  return {
    path,
    ...(line === undefined ? {} : { line: Number(line) }),
    message: `CUE: ${incomplete(reason)}.`,
  }
}

function incomplete(reason: string): string {
  return reason.replace(
    /^cannot convert incomplete value (.+) to JSON$/s,
    'no concrete value is given, only $1',
  )
}

function toPointer(path: string): string {
  const labels = path.match(new RegExp(label, 'gu')) ?? []
  return labels.reduce((pointer, text) => childPointer(pointer, text.replaceAll(/^"|"$/g, '')), '')
}
