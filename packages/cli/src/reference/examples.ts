/** Lines that one could type, by the words of the command. */
export function examplesOf(_path: string): readonly string[] {
  return []
}
