import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { toBuildError } from './error-envelope.ts'

describe('toBuildError', () => {
  it.each([
    ['invalid_request', 400, 'Validation error'],
    ['resource_not_found', 404, 'Resource not found'],
    ['resource_conflict', 409, 'Resource already exists'],
    ['authorization_failed', 403, 'Permission denied'],
  ] as const)('says %s as the document does', (code, status, error) => {
    expect(toBuildError(new AppError(code, 'A sentence'), 'r')).toEqual({
      status,
      body: { error, message: 'A sentence' },
      unforeseen: false,
    })
  })

  it.each([
    ['resource_conflict', { in_use: true }, 409, 'Resource in use'],
    ['resource_conflict', { execution: true }, 409, 'Execution error'],
    ['invalid_request', { download: true }, 400, 'Download error'],
    ['resource_not_found', { download: true }, 404, 'Download error'],
    ['gone', { download: true }, 410, 'Download error'],
  ] as const)('says of %s with %j what it is', (code, details, status, error) => {
    const answer = toBuildError(new AppError(code, 'x', details), 'r')
    expect([answer.status, answer.body.error]).toEqual([status, error])
  })

  it('names every problem in the message', () => {
    const problems = [
      { path: '/name', message: 'is missing' },
      { path: '/credential_data/username', message: 'is missing' },
    ]
    const error = new AppError('invalid_request', 'The body is not valid: /name is missing', {
      problems,
    })
    expect(toBuildError(error, 'r').body.message).toBe(
      'The body is not valid: /name is missing; /credential_data/username is missing',
    )
  })

  it('shows nothing of what nobody foresaw, but whether it was the database', () => {
    const broken = Object.assign(new Error('relation "x" does not exist'), { code: '42P01' })
    for (const [error, type] of [
      [broken, 'Database error'],
      [new Error('at /secret/path'), 'Server error'],
      [Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), 'Server error'],
    ] as const) {
      expect(toBuildError(error, 'request-1')).toEqual({
        status: 500,
        body: { error: type, message: 'Something went wrong on our side (request-1)' },
        unforeseen: true,
      })
    }
  })
})
