import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { toRpcError } from './error-envelope.ts'

describe('toRpcError', () => {
  it('says in JSON-RPC what the API says', () => {
    const error = new AppError('limit_exceeded', 'Too many', { retry_after_seconds: 3 })
    expect(toRpcError(error, 'r')).toEqual({
      status: 429,
      unforeseen: false,
      body: {
        jsonrpc: '2.0',
        id: null,
        error: {
          code: -32_000,
          message: 'Too many',
          data: { code: 'limit_exceeded', details: { retry_after_seconds: 3 } },
        },
      },
    })
  })

  it('tells what is no JSON from what is no request', () => {
    const noJson = Object.assign(new Error('Unexpected token'), {
      code: 'FST_ERR_CTP_INVALID_JSON_BODY',
    })
    expect(toRpcError(noJson, 'r').body.error).toEqual({
      code: -32_700,
      message: 'The body is not valid JSON',
      data: { code: 'invalid_request' },
    })
    const batch = new AppError('invalid_request', 'One at a time')
    expect(toRpcError(batch, 'r').body.error.code).toBe(-32_600)
  })

  it('shows nothing of what nobody foresaw', () => {
    const { status, body, unforeseen } = toRpcError(new Error('password=x'), 'request-1')
    expect({ status, unforeseen }).toEqual({ status: 500, unforeseen: true })
    expect(JSON.stringify(body)).not.toContain('password')
    expect(JSON.stringify(body)).toContain('request-1')
  })
})
