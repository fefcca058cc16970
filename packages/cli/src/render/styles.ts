export type Style = (text: string) => string

export interface Styles {
  /** False: every style gives its text as it is. */
  enabled: boolean
  bold: Style
  dim: Style
  red: Style
  green: Style
  yellow: Style
  cyan: Style
}

/** Colours on a terminal, unless `NO_COLOR` says no (any value but the empty one). */
export function wantsColour(
  output: { isTerminal: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return output.isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
}

export function createStyles(enabled: boolean): Styles {
  const style = (open: number, close: number): Style =>
    enabled ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text
  return {
    enabled,
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  }
}
