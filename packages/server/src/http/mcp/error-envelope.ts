import { toErrorAnswer } from '../platform/error-envelope.ts'

/** What an error of the request itself is to an MCP client: JSON-RPC 2.0, section 5.1. */
export interface RpcErrorAnswer {
  status: number
  body: {
    jsonrpc: '2.0'
    id: null
    error: { code: number; message: string; data: { code: string; details?: object } }
  }
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

const parseError = -32_700
const invalidRequest = -32_600
/** The first of those that JSON-RPC leaves to servers. */
const serverError = -32_000

/** Judged as in `/v1`, whose code and details are the error's `data`. */
export function toRpcError(error: unknown, requestId: string): RpcErrorAnswer {
  const { status, body, unforeseen } = toErrorAnswer(error, requestId)
  const { code, message, details } = body.error
  const data = details === undefined ? { code } : { code, details }
  return {
    status,
    unforeseen,
    body: { jsonrpc: '2.0', id: null, error: { code: rpcCode(error, code), message, data } },
  }
}

function rpcCode(error: unknown, code: string): number {
  const isNoJson =
    error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_JSON_BODY'
  if (isNoJson) return parseError
  return code === 'invalid_request' ? invalidRequest : serverError
}
