import type { Docker } from './connect-docker.ts'

/** What an engine says of a container; only what is read here. */
export interface InspectedContainer {
  Id: string
  /** With a slash before it. */
  Name: string
  Created: string
  State: {
    Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
    ExitCode: number
    OOMKilled: boolean
    /** Year 1 where it has not happened. */
    StartedAt: string
    FinishedAt: string
    /** Absent or `none`: its image has no check. */
    Health?: { Status: string } | null
  }
  Config: { Labels: Record<string, string> | null; Env: string[] | null }
  HostConfig: { NetworkMode: string }
  /** Bytes written to its own file system; only where it was asked for. */
  SizeRw?: number
}

export async function inspectContainer(
  docker: Docker,
  id: string,
  signal: AbortSignal,
  size = false,
): Promise<InspectedContainer> {
  return docker.json<InspectedContainer>(
    {
      method: 'GET',
      path: `/containers/${encodeURIComponent(id)}/json`,
      query: { size: size ? '1' : undefined },
      answerMs: 120_000,
    },
    signal,
  )
}

export function hasEnded({ State }: InspectedContainer): boolean {
  return State.Status === 'exited' || State.Status === 'dead' || State.Status === 'removing'
}

/** Null: it has not happened. */
export function timeOf(text: string): Date | null {
  const time = new Date(text)
  return time.getUTCFullYear() <= 1 ? null : time
}
