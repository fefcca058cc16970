/** What one look found. */
export interface Finding {
  check: string
  /** `warn`: something works less well than it could. */
  result: 'pass' | 'warn' | 'fail'
  message: string
  /** What to do about it. */
  advice?: string
}
