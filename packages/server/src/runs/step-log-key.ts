/**
 * Object key of a step's log: `pipeline-runs/{run_id}/logs/{phase}/{project}/{step}.log`
 * (API & Operations Reference, "Log Storage"). Bytes that a key may not hold are
 * written as `=XX`, so that two names never share a log.
 */
export function stepLogKey(input: {
  runId: string
  phase: string
  project: string
  step: string
}): string {
  const { runId, phase, project, step } = input
  return `pipeline-runs/${runId}/logs/${segment(phase)}/${segment(project)}/${segment(step)}.log`
}

function segment(name: string): string {
  const escaped = Array.from(Buffer.from(name, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9._@+-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`
  }).join('')
  // A name of dots alone would be a step up or nowhere.
  return /^\.+$/.test(escaped) ? escaped.replaceAll('.', '=2e') : escaped
}
