// A log is written by strangers. Printed as it is, it could move the cursor over what was printed
// before, change the window's title, put text into the clipboard or make the terminal answer as if
// the user had typed.

/** Colours: the only sequence that is let through. */
const sgr = /^\u001b\[[0-9;:]{0,40}m$/
const unwanted = new RegExp(
  [
    // CSI
    '(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]?',
    // OSC, DCS, SOS, PM, APC with what they hold
    '(?:\\u001b[\\]PX^_]|[\\u0090\\u0098\\u009d-\\u009f])[^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c)?',
    // other escapes
    '\\u001b[ -/]*[0-~]?',
    // what is left of the control characters, without tab and line feed
    '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]',
    // marks that reorder text
    '[\\u202a-\\u202e\\u2066-\\u2069]',
  ].join('|'),
  'g',
)

const RESET = '\u001b[0m'

/**
 * One line of a log as a terminal may be given it: its colours stay (and end with it), everything
 * else that a terminal would obey is gone. A carriage return inside it becomes a line of its own.
 */
export function terminalLine(line: string, colours: boolean): string {
  let coloured = false
  const clean = line
    .replace(/\r+$/, '')
    .replace(/\r+/g, '\n')
    .replace(unwanted, (sequence) => {
      if (!colours || !sgr.test(sequence)) return ''
      coloured = true
      return sequence
    })
  return coloured ? clean + RESET : clean
}

/** A name or message for one line of a terminal: no sequences, no colours, no line ends. */
export function terminalWord(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(unwanted, '')
}
