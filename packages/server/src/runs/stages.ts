/** What is started, and waited for, as one: the discovery of a run, or a group of its phases. */
export type Stage = { kind: 'discovery' } | { kind: 'group'; group: number }

/** `discovery` or `group-<n>`, as `DispatchStage` of the contract lets it through. */
export function parseStage(text: string): Stage {
  const [, group] = /^group-(\d+)$/.exec(text) ?? []
  return group === undefined ? { kind: 'discovery' } : { kind: 'group', group: Number(group) }
}

export function stageName(stage: Stage): string {
  return stage.kind === 'discovery' ? 'discovery' : `group-${stage.group}`
}
