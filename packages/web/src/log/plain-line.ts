// CSI other than colours (SGR, ending in "m"), OSC up to its end, and lone escapes: they move a cursor that
// is not there.
const moves = /\u001b(?:\[[0-9;?]*[ -/]*[@-ln-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g
const colours = /\u001b\[[0-9;]*m/g
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f]/g

/** A line as a terminal would leave it: what a carriage return wrote over is gone. Colours stay. */
export function visibleLine(line: string): string {
  const still = line.includes('\u001b') ? line.replaceAll(moves, '') : line
  const written = still.endsWith('\r') ? still.slice(0, -1) : still
  return written.slice(written.lastIndexOf('\r') + 1).replaceAll(controls, '')
}

/** A line without its colours: what is searched and copied. */
export function plainLine(line: string): string {
  const visible = visibleLine(line)
  return visible.includes('\u001b') ? visible.replaceAll(colours, '') : visible
}
