import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { toStatusError } from './error-envelope.ts'

describe('toStatusError', () => {
  it.each([
    ['invalid_request', 400, 'Bad Request'],
    ['authentication_failed', 401, 'Unauthorized'],
    ['authorization_failed', 403, 'Forbidden'],
    ['resource_not_found', 404, 'Not Found'],
    ['limit_exceeded', 429, 'Too Many Requests'],
    ['unavailable', 503, 'Service Unavailable'],
  ] as const)('says %s as HTTP does', (code, status, error) => {
    expect(toStatusError(new AppError(code, 'A sentence', { more: 1 }), 'r')).toEqual({
      status,
      body: { error, details: 'A sentence' },
      unforeseen: false,
    })
  })

  it('names every problem', () => {
    const problems = [
      { path: '/repository', message: 'is missing' },
      { path: '/workflow', message: 'is missing' },
    ]
    const error = new AppError('invalid_request', 'The body is not valid: /repository is missing', {
      problems,
    })
    expect(toStatusError(error, 'r').body.details).toBe(
      'The body is not valid: /repository is missing; /workflow is missing',
    )
  })

  it('shows nothing of what nobody foresaw', () => {
    expect(toStatusError(new Error('at /secret/path'), 'request-1')).toEqual({
      status: 500,
      body: {
        error: 'Internal Server Error',
        details: 'Something went wrong on our side (request-1)',
      },
      unforeseen: true,
    })
  })
})
