import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, DeliveryDetails, DeliveryStatus } from '@slipway/contract/webhooks'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatDuration } from '../render/format-time.ts'
import { formatTable } from '../render/table.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'

interface Flags {
  status?: DeliveryStatus
  limit: number
}

/** Milliseconds from one look at a delivery to the next, and until the first attempt must be over. */
const lookEveryMs = 100
const waitMs = 20_000

/** What of `slipway webhook` is about deliveries. */
export function addDeliveryCommands(webhook: Command, act: Act): void {
  webhook
    .command('deliveries <id> [delivery]')
    .description('what was sent and what came of it, newest first; or one with every attempt')
    .addOption(
      new Option('--status <status>', 'only these').choices(['pending', 'delivered', 'dead']),
    )
    .option('-n, --limit <n>', 'at most so many', integerBetween(1, 10_000), 20)
    .action(
      act((context, flags: Flags, [id = '', delivery]) =>
        delivery === undefined ? list(context, id, flags) : show(context, id, delivery),
      ),
    )
  webhook
    .command('redeliver <id> <delivery>')
    .description('send it once more, and wait for the answer')
    .action(
      act(async (context, _flags, [id = '', delivery = '']) => {
        const { client } = await context.connect()
        const again = await client.webhooks.redeliver(id, delivery, { signal: context.io.signal })
        return follow(context, again)
      }),
    )
  webhook
    .command('test <id>')
    .description('send a ping, and wait for the answer; the exit code is 1 when there is none')
    .action(
      act(async (context, _flags, [id = '']) => {
        const { client } = await context.connect()
        return follow(context, await client.webhooks.test(id, { signal: context.io.signal }))
      }),
    )
}

async function list(context: Context, id: string, flags: Flags): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const deliveries: Delivery[] = []
  const query = {
    limit: Math.min(flags.limit, 100),
    ...(flags.status === undefined ? {} : { status: flags.status }),
  }
  for await (const one of client.webhooks.iterateDeliveries(id, query, { signal: io.signal })) {
    deliveries.push(one)
    if (deliveries.length === flags.limit) break
  }
  if (context.json) {
    await printJson(io, { deliveries })
    return exitCodes.success
  }
  const header = ['ID', 'EVENT', 'STATUS', 'TRIES', 'MADE', 'ANSWER']
  const rows = deliveries.map((one) =>
    [
      one.id,
      one.event_type,
      one.status,
      String(one.attempt_count),
      one.created_at.slice(0, 19),
      answerOf(one),
    ].map(terminalWord),
  )
  const [head = '', ...lines] = formatTable(header, rows).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
  return exitCodes.success
}

function answerOf({ response_status: status, error }: Delivery): string {
  return error ?? (status === null ? '' : String(status))
}

async function show(context: Context, id: string, deliveryId: string): Promise<number> {
  const { client } = await context.connect()
  const { signal } = context.io
  return print(context, await client.webhooks.delivery(id, deliveryId, { signal }))
}

/** Waits until a first attempt has ended; what goes on is tried again without us. */
async function follow(context: Context, made: Delivery): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const until = performance.now() + waitMs
  for (;;) {
    const now = await client.webhooks.delivery(made.webhook_id, made.id, { signal })
    const ended = now.attempts.some(({ duration_ms: duration }) => duration !== null)
    if (now.status !== 'pending' || ended || performance.now() > until) {
      await print(context, now)
      return now.status === 'delivered' ? exitCodes.success : exitCodes.failed
    }
    await sleep(lookEveryMs, undefined, { signal })
  }
}

async function print(context: Context, delivery: DeliveryDetails): Promise<number> {
  const { io, styles } = context
  if (context.json) {
    await printJson(io, delivery)
    return exitCodes.success
  }
  const paint =
    delivery.status === 'delivered'
      ? styles.green
      : delivery.status === 'dead'
        ? styles.red
        : styles.yellow
  await io.out.write(
    `${paint(delivery.status)}  ${styles.bold(terminalWord(delivery.event_type))}  ${terminalWord(delivery.id)}\n`,
  )
  for (const made of delivery.attempts) {
    const took = made.duration_ms === null ? '' : `, ${formatDuration(made.duration_ms)}`
    const what =
      made.error ?? (made.response_status === null ? 'under way' : `${made.response_status}`)
    await io.out.write(
      `  ${made.attempt}. ${styles.dim(terminalWord(made.started_at))}  ${terminalWord(what)}${took}\n`,
    )
    for (const line of (made.response_excerpt ?? '').split('\n').filter(Boolean).slice(0, 20)) {
      await io.out.write(`     ${styles.dim(terminalLine(line, false).replaceAll('\n', ' '))}\n`)
    }
  }
  if (delivery.next_attempt_at !== null) {
    await io.out.write(`  next attempt ${styles.dim(terminalWord(delivery.next_attempt_at))}\n`)
  }
  return exitCodes.success
}
