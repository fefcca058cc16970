/** The formats a configuration file may have; equal citizens. */
export const forgeFormats = ['cue', 'yaml', 'json'] as const
export type ForgeFormat = (typeof forgeFormats)[number]

/** A configuration file found in a tree. */
export interface ForgeFile {
  path: string
  /** Directory that holds `.forge`, relative to the root; '.' is the root. */
  directory: string
  kind: 'repo' | 'project'
  /** `yml` is recognised only to be refused: ignoring it would skip a project silently. */
  format: ForgeFormat | 'yml'
}

const forgePath = /^(?:(.+)\/)?\.forge\/(repo|project)\.(cue|yaml|json|yml)$/s

/**
 * True for the files that `loadForge` looks at: `.forge/repo.*` and `.forge/project.*` at the
 * root and in any directory (a `repo` file below the root marks a repository of its own).
 */
export function isForgeFile(path: string): boolean {
  return forgePath.test(path)
}

/** What a path says of itself, or null for a file that is no configuration. */
export function parseForgePath(path: string): ForgeFile | null {
  const match = forgePath.exec(path)
  if (match === null) return null
  const [, directory = '.', kind, format] = match
  return { path, directory, kind: kind as ForgeFile['kind'], format: format as ForgeFile['format'] }
}
