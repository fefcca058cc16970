import { describe, expect, it } from 'vitest'
import {
  type Answer,
  failure,
  hangUp,
  json,
  serve,
  stream,
} from '../../../test/support/scripted-server.ts'
import { SlipwayError } from './slipway-error.ts'

const run = (status: string, completed_at: string | null = null) => ({
  id: 'r',
  status,
  completed_at,
})

/** Answers to one request after another, the last one for good; the stream brings news all the time. */
function answering(...answers: Answer[]): Answer {
  let asked = 0
  return (response, request) => {
    if (!request.url.startsWith('/v1/events')) {
      answers[Math.min(asked++, answers.length - 1)]?.(response, request)
      return
    }
    stream('', 'stay')(response, request)
    const timer = setInterval(() => response.write('id: 1\ndata: {}\n\n'), 50)
    response.on('close', () => clearInterval(timer))
  }
}

async function watch(answer: Answer, reconnectMs = 60_000) {
  const { client } = await serve(answer)
  const states: string[] = []
  try {
    for await (const { status } of client({ retries: 0, reconnectMs }).runs.watch('r'))
      states.push(status)
  } catch (error) {
    return { states, error: error as SlipwayError }
  }
  return { states, error: null }
}

const done = json(200, run('completed', '2026-01-01T00:00:00.000Z'))

describe('what is watched', () => {
  it('is watched on when the server was away for a while', async () => {
    const away = [hangUp, failure(502, 'unavailable'), failure(503, 'unavailable'), hangUp]
    const seen = await watch(answering(json(200, run('running')), ...away, done))
    expect(seen).toEqual({ states: ['running', 'completed'], error: null })
  })

  it('is shown although the stream of events does not open', async () => {
    const seen = await watch((response, request) => {
      if (!request.url.startsWith('/v1/events')) done(response, request)
    })
    expect(seen).toEqual({ states: ['completed'], error: null })
    // Far less than until it is asked for want of events.
  }, 10_000)

  it('is given up when the server stays away', async () => {
    const { states, error } = await watch(answering(json(200, run('running')), hangUp), 300)
    expect(states).toEqual(['running'])
    expect(error).toMatchObject({ status: 0, code: 'network_error' })
  })

  it.each([
    ['at first', answering(hangUp), []],
    [
      'refused',
      answering(json(200, run('running')), failure(404, 'resource_not_found')),
      ['running'],
    ],
  ])('is given up at once: %s', async (_, answer, states) => {
    const seen = await watch(answer)
    expect(seen.states).toEqual(states)
    expect(seen.error).toBeInstanceOf(SlipwayError)
  })
})
