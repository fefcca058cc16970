/** Codes of the OCI Distribution Specification 1.1, "Error Codes", that are given here. */
export type OciErrorCode =
  | 'BLOB_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNKNOWN'
  | 'UNSUPPORTED'

/** What a client of the protocol is told; its message is shown as it is. */
export class OciRefusal extends Error {
  override readonly name = 'OciRefusal'
  readonly status: number
  readonly code: OciErrorCode
  readonly detail: unknown

  constructor(status: number, code: OciErrorCode, message: string, detail: unknown = null) {
    super(message)
    this.status = status
    this.code = code
    this.detail = detail
  }
}
