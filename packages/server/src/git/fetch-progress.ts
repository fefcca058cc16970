/** Phases of git's own work at a fetch, and which part of the whole each is, in percent. */
const phases: Readonly<Record<string, readonly [from: number, to: number]>> = {
  'Receiving objects': [0, 90],
  'Unpacking objects': [0, 100],
  'Resolving deltas': [90, 100],
}

const progressLine =
  /^(?:remote: )?(?:(?:Enumerating|Counting|Compressing|Receiving|Unpacking) objects|Resolving deltas|Updating files|Total \d+)\b/

/** Takes git's progress out of its standard error. */
export interface ProgressReader {
  /** Answers what is not progress. */
  push(text: string): string
  /** The rest: a last line that was not ended. */
  end(): string
}

/** `progress` is told whole percent of a fetch, each once and rising. */
export function readFetchProgress(progress: (percent: number) => void): ProgressReader {
  let open = ''
  let last = -1
  const take = (line: string): string => {
    if (!progressLine.test(line)) return `${line}\n`
    const [, phase = '', percent = ''] = /^(\w+ \w+): +(\d+)%/.exec(line) ?? []
    const part = phases[phase]
    if (part === undefined) return ''
    const [from, to] = part
    const now = Math.floor(from + ((to - from) * Number(percent)) / 100)
    if (now > last) progress((last = now))
    return ''
  }
  return {
    push(text) {
      const lines = (open + text).split(/\r\n|\r|\n/)
      open = lines.pop() ?? ''
      return lines.map(take).join('')
    },
    end: () => (open === '' ? '' : take(open)),
  }
}
