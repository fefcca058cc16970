import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { toRunnerError } from './error-envelope.ts'

const now = new Date('2025-06-19T10:00:00.000Z')
const about = { version: '1.0.0', now }
const metadata = { timestamp: '2025-06-19T10:00:00.000Z', version: '1.0.0' }

describe('toRunnerError', () => {
  it.each([
    ['invalid_request', 400],
    ['authentication_failed', 401],
    ['authorization_failed', 403],
    ['resource_not_found', 404],
    ['resource_conflict', 409],
    ['limit_exceeded', 429],
    ['unavailable', 503],
  ] as const)('wraps %s', (code, status) => {
    expect(toRunnerError(new AppError(code, 'A sentence', { more: 1 }), 'r', about)).toEqual({
      status,
      body: { success: false, error: 'A sentence', code, metadata },
      unforeseen: false,
    })
  })

  it('names every problem', () => {
    const problems = [
      { path: '/jobId', message: 'is missing' },
      { path: '/runId', message: 'is missing' },
    ]
    const error = new AppError('invalid_request', 'The body is not valid: /jobId is missing', {
      problems,
    })
    expect(toRunnerError(error, 'r', about).body.error).toBe(
      'The body is not valid: /jobId is missing; /runId is missing',
    )
  })

  it('shows nothing of what nobody foresaw', () => {
    expect(toRunnerError(new Error('at /secret/path'), 'request-1', about)).toEqual({
      status: 500,
      body: {
        success: false,
        error: 'Something went wrong on our side (request-1)',
        code: 'internal_error',
        metadata,
      },
      unforeseen: true,
    })
  })
})
