/** A step that runs a shell script. */
export const step = (run: string) => ({ name: 'step', action: 'run', run })

/** One project that does each script in a phase of a group of its own, `phase1` in group 1 and so on. */
export function inGroups(...scripts: string[]): Record<string, string> {
  const named = scripts.map((run, at) => [`phase${at + 1}`, run, at + 1] as const)
  return {
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      phases: Object.fromEntries(named.map(([phase, , group]) => [phase, { group }])),
    }),
    '.forge/project.json': JSON.stringify({
      name: 'app',
      phases: Object.fromEntries(named.map(([phase, run]) => [phase, { steps: [step(run)] }])),
    }),
  }
}
