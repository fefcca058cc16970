import Type, { type Static } from 'typebox'
import { Cursor, Uuid } from './fields.ts'

// Logs and objects of workers on other machines, below `/v1/workers/{id}`. Ours: the documents say where
// logs are stored, and leave open how they get there.

/** Bounds of one request. */
export const workerFileLimits = {
  /** Bytes of a piece of a log, with the records of its index. */
  pieceBytes: 2 * 1024 * 1024,
  /** Bytes of an object. */
  objectBytes: 64 * 1024 * 1024 * 1024,
} as const

/** A log's key in the object store, as the worker got it with its job. */
const LogKey = Type.String({ minLength: 1, maxLength: 1_024, description: 'Key of the log.' })
const bytes = (description: string) => Cursor({ minimum: 0, description })

export const WorkerLogQuery = Type.Object({ key: LogKey })
export type WorkerLogQuery = Static<typeof WorkerLogQuery>

/**
 * A piece of a log: the body is first `index_bytes` of the index of its lines, then bytes of the log. It counts
 * if the server has all that comes before it; the answer says what the server has, and where to go on.
 */
export const PutWorkerLogQuery = Type.Object({
  key: LogKey,
  offset: bytes('Where in the log the piece begins.'),
  index_offset: bytes('Where in the index the piece begins.'),
  index_bytes: Type.Integer({ minimum: 0, maximum: workerFileLimits.pieceBytes }),
  writer: Type.Enum(['writing', 'paused', 'ended'], {
    description:
      '`writing`: there is more to come. `paused`: another attempt may go on. `ended`: followers come to the end.',
  }),
})
export type PutWorkerLogQuery = Static<typeof PutWorkerLogQuery>

export const SealWorkerLogQuery = Type.Object({
  key: LogKey,
  bytes: bytes('Length of the whole log.'),
  index_bytes: bytes('Length of the whole index.'),
})
export type SealWorkerLogQuery = Static<typeof SealWorkerLogQuery>

/** How much of a log a server has. */
export const WorkerLogState = Type.Object(
  {
    bytes: Type.Integer({ minimum: 0 }),
    index_bytes: Type.Integer({ minimum: 0 }),
    sealed: Type.Boolean({
      description: 'It is in the object store, and no piece is taken any more.',
    }),
  },
  { $id: 'WorkerLogState' },
)
export type WorkerLogState = Static<typeof WorkerLogState>

export const WorkerObjectParams = Type.Object({ id: Uuid, '*': Type.String({ maxLength: 1_024 }) })
export type WorkerObjectParams = Static<typeof WorkerObjectParams>

/** Length of what stands behind an object that is sent: the SHA-256 of all bytes before it. */
export const digestBytes = 32
