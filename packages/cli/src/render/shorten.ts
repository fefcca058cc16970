/** A text of at most `width` UTF-16 units, as tables measure them; half a character is never left. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.max(0, width - 1)
  return `${text.slice(0, /[\ud800-\udbff]/.test(text[end - 1] ?? '') ? end - 1 : end)}…`
}
