/** Why the program can't start, in words for the operator: shown without a stack, then the program ends. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
