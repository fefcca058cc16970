import Type, { type Static } from 'typebox'
import { Build, BuildOutput, BuildStatus, BuildStepKey, BuildStepStatus } from './builds.ts'
import { Timestamp } from './fields.ts'

// What `/api/pipelines/runs/{id}/ws` sends. Source: Enhanced Pipeline API Documentation, "WebSocket Support",
// which names status updates and log lines; the frames are ours.

/** A build without its lines, which are frames of their own. */
export const BuildState = Type.Omit(Build, ['logs', 'logs_truncated'])
export type BuildState = Static<typeof BuildState>

/** The first frame; again when the build began an attempt and when it ended. */
export const BuildStatusFrame = Type.Object({
  type: Type.Literal('status'),
  pipeline_run: BuildState,
})

/** A line: each once, in order, from the one behind `?after=` on. */
export const BuildLogFrame = Type.Object({
  type: Type.Literal('log'),
  seq: Type.Integer({ minimum: 1, description: 'Dense, and the same for ever.' }),
  timestamp: Timestamp,
  line: Type.String({ description: 'Without the time in front of it, and without a line end.' }),
})

/** A step is in another state, or has come further. Every step that ran is told of as running first. */
export const BuildStepFrame = Type.Object({
  type: Type.Literal('step'),
  key: BuildStepKey,
  status: BuildStepStatus,
  progress: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'Whole percent; null where the step can’t tell.',
  }),
})

/** What the build made; each once, behind the last line. */
export const BuildOutputFrame = Type.Object({
  type: Type.Literal('output'),
  build_output: BuildOutput,
})

/** The last frame: the socket is closed with 1000 then. */
export const BuildEndFrame = Type.Object({ type: Type.Literal('end'), status: BuildStatus })

/** The answer to a client's `{"type": "ping"}`; whatever else a client says is ignored. */
const BuildPongFrame = Type.Object({ type: Type.Literal('pong') })

export const BuildFrame = Type.Union(
  [
    BuildStatusFrame,
    BuildLogFrame,
    BuildStepFrame,
    BuildOutputFrame,
    BuildEndFrame,
    BuildPongFrame,
  ],
  { $id: 'BuildFrame' },
)
export type BuildFrame = Static<typeof BuildFrame>
