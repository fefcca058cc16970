import type { GitRemote, Mirrors } from '../../../git/index.ts'

/** What it takes to get repositories. */
export interface CloneDeps {
  mirrors: Mirrors
  /** Where git finds what opens a remote while it talks to it; hidden from everything else. */
  accessDirectory: string
  /** Whether git can fetch what Git LFS keeps. */
  gitLfs: (signal: AbortSignal) => Promise<boolean>
}

/** A commit that has been checked out; its `.git` borrows from the mirror, and is still to be removed. */
export interface CheckedOut {
  remote: GitRemote
  commit: string
  directory: string
  /** Where it is in the build's tree, for people; empty: it is the tree. */
  path: string
}

/** Says something in the log of the build. */
export type Note = (line: string) => Promise<void>
