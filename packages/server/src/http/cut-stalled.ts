import type { FastifyReply } from 'fastify'

/** Milliseconds in which a client must have taken something of a long answer, or it is let go. */
const stallMs = 120_000

/** Breaks an answer off whose client takes nothing of it any more. */
export function cutStalled({ raw }: FastifyReply): void {
  raw.setTimeout(stallMs, () => raw.destroy())
}
