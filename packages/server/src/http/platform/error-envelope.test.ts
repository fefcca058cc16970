import { errorCodes } from '@slipway/contract/vocabulary'
import type { ErrorCode } from '@slipway/contract/errors'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { toErrorAnswer } from './error-envelope.ts'

const fastifyError = (code: string, statusCode: number) =>
  Object.assign(new Error('internal words'), { code, statusCode })

describe('toErrorAnswer', () => {
  it.each(Object.entries(errorCodes))('answers an AppError of %s with %i', (code, status) => {
    const answer = toErrorAnswer(new AppError(code as ErrorCode, 'why', { a: 1 }), 'r')
    expect(answer).toEqual({
      status,
      body: { error: { code, message: 'why', details: { a: 1 } } },
      unforeseen: false,
    })
  })

  it('leaves details out where there are none', () => {
    const { body } = toErrorAnswer(new AppError('gone', 'why'), 'r')
    expect(body).toEqual({ error: { code: 'gone', message: 'why' } })
  })

  it.each([
    ['FST_ERR_CTP_BODY_TOO_LARGE', 413, 'payload_too_large', 413],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 415, 'unsupported_media_type', 415],
    ['FST_ERR_CTP_INVALID_JSON_BODY', 400, 'invalid_request', 400],
    ['FST_ERR_OF_A_LATER_VERSION', 414, 'invalid_request', 400],
    ['FST_ERR_OF_OUR_MAKING', 500, 'internal_error', 500],
  ])('answers %s of Fastify (%i) with %s', (code, statusCode, expected, status) => {
    const answer = toErrorAnswer(fastifyError(code, statusCode), 'r')
    expect([answer.body.error.code, answer.status]).toEqual([expected, status])
    expect(JSON.stringify(answer.body)).not.toContain('internal words')
  })

  it.each(['57014', '55P03'])('asks to try later after a time limit of PostgreSQL (%s)', (code) => {
    const answer = toErrorAnswer(Object.assign(new Error('internal words'), { code }), 'r')
    expect([answer.body.error.code, answer.status]).toEqual(['unavailable', 503])
    expect(JSON.stringify(answer.body)).not.toContain('internal words')
  })

  it.each([
    new Error('connect ECONNREFUSED 10.0.0.1'),
    Object.assign(new Error('x'), { statusCode: 400 }),
    'a text',
    undefined,
    null,
  ])('shows nothing of %s but the request id', (error) => {
    expect(toErrorAnswer(error, 'r-9')).toEqual({
      status: 500,
      body: {
        error: {
          code: 'internal_error',
          message: 'Something went wrong on our side',
          details: { request_id: 'r-9' },
        },
      },
      unforeseen: true,
    })
  })
})
