/** Inputs of a workflow, one a line as `name=value`; a line that is not says which one it is. */
export function readInputs(text: string): {
  inputs: Record<string, string>
  problem: string | undefined
} {
  const inputs: Record<string, string> = {}
  const wrong: string[] = []
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue
    const at = line.indexOf('=')
    if (at < 1) wrong.push(line)
    else inputs[line.slice(0, at).trim()] = line.slice(at + 1).trim()
  }
  const problem = wrong.length === 0 ? undefined : `No name=value: ${wrong.join(', ')}`
  return { inputs, problem }
}
