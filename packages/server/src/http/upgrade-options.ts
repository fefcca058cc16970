import type { IncomingMessage } from 'node:http'

/**
 * Options of `http.createServer` by which Node, from 22.21 and 24.9 on, gives up a connection for
 * WebSockets alone, and answers what offers other upgrades as if it did not. An older one does not know
 * them: there the dispatcher of upgrades hands such requests back.
 */
export const upgradeOptions: object = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
    headers.upgrade?.toLowerCase() === 'websocket',
}
