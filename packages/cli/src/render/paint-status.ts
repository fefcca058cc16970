import type { Styles } from './styles.ts'

const good = [
  'success',
  'active',
  'completed',
  'delivered',
  'enabled',
  'approved',
  'idle',
  'healthy',
]
const bad = ['failure', 'failed', 'dead', 'offline', 'revoked', 'expired']
const underWay = ['running', 'busy', 'assigned', 'starting', 'stopping']
const waiting = ['pending', 'queued', 'waiting']

/** A status of anything, in the colour that it has everywhere; what stands behind the word goes with it. */
export function paintStatus(text: string, styles: Styles): string {
  const [word = ''] = text.split(' ')
  if (bad.includes(word) || text.includes('(failed)')) return styles.red(text)
  if (good.includes(word)) return styles.green(text)
  if (underWay.includes(word)) return styles.cyan(text)
  return waiting.includes(word) ? styles.yellow(text) : text
}
