/** Why everything stops at once; the reason of `Io.signal`. Nothing more is said about it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  override readonly cause: 'SIGINT' | 'SIGTERM' | 'closed output'

  constructor(cause: Interrupted['cause']) {
    super(cause)
    this.cause = cause
  }

  /** As a shell reports it; a reader that has enough (`slipway logs … | head`) is a success. */
  get exitCode(): number {
    if (this.cause === 'closed output') return 0
    return this.cause === 'SIGINT' ? 130 : 143
  }
}
