/** A release of ours that a tag stands for. */
export interface TaggedRelease {
  id: string
  project: string
  releaseNumber: number
  commitSha: string
  artifacts: readonly { name: string; type: string; uri: string }[]
}

const begin = '<!-- slipway:begin -->'
const end = '<!-- slipway:end -->'

/** Our part of the notes of GitHub's release: what was released, and where it is. */
export function releaseNotes(releases: readonly TaggedRelease[], publicUrl: string): string {
  const lines = releases.flatMap(({ id, project, releaseNumber, commitSha, artifacts }) => [
    `### ${code(project)} [#${releaseNumber}](${publicUrl}/v1/releases/${id})`,
    '',
    `Commit ${code(commitSha)}`,
    ...artifacts.map(({ name, type, uri }) => `- ${type} ${code(name)}: ${code(uri)}`),
    '',
  ])
  return [begin, ...lines, end].join('\n')
}

/** The notes with our part in its place, or in front; everything else is others'. */
export function mergeNotes(notes: string, ours: string): string {
  const from = notes.indexOf(begin)
  const to = notes.indexOf(end, from)
  if (from < 0 || to < 0) return notes.trim() === '' ? ours : `${ours}\n\n${notes}`
  return notes.slice(0, from) + ours + notes.slice(to + end.length)
}

/** Markdown that shows the text as it is. */
function code(text: string): string {
  return `\`${text.replaceAll(/[`\r\n]/g, ' ')}\``
}
