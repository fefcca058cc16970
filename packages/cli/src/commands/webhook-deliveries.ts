import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, DeliveryDetails, DeliveryStatus } from '@slipway/contract/webhooks'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatDuration, formatMoment } from '../render/format-time.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'
import { showList } from '../show-list.ts'

interface Flags {
  status?: DeliveryStatus
  before?: number
  limit: number
  watch?: boolean
}

/** Milliseconds from one look at a delivery to the next, and until the first attempt must be over. */
const lookEveryMs = 100
const waitMs = 20_000

/** What of `slipway webhook` is about deliveries. */
export function addDeliveryCommands(webhook: Command, act: Act): void {
  webhook
    .command('deliveries <webhook> [delivery]')
    .description('what was sent and what came of it, newest first; or one with every attempt')
    .addOption(
      new Option('--status <status>', 'only these').choices(['pending', 'delivered', 'dead']),
    )
    .option('-n, --limit <n>', 'how many, 1 to 10000', integerBetween(1, 10_000), 20)
    .option('--before <number>', 'only those with a smaller number', integerBetween(1, 2 ** 53 - 1))
    .option('-w, --watch', 'go on, and show what changes as it does, until Ctrl-C')
    .action(
      act((context, flags: Flags, [id = '', delivery]) =>
        delivery === undefined ? list(context, id, flags) : show(context, id, delivery),
      ),
    )
  webhook
    .command('redeliver <webhook> <delivery>')
    .description('send it once more, and wait for the answer')
    .action(
      act(async (context, _flags, [id = '', delivery = '']) => {
        const { client } = await context.connect()
        const again = await client.webhooks.redeliver(id, delivery, { signal: context.io.signal })
        return follow(context, again)
      }),
    )
  webhook
    .command('test <webhook>')
    .description('send a ping, and wait for the answer; the exit code is 1 when there is none')
    .action(
      act(async (context, _flags, [id = '']) => {
        const { client } = await context.connect()
        return follow(context, await client.webhooks.test(id, { signal: context.io.signal }))
      }),
    )
}

async function list(context: Context, id: string, flags: Flags): Promise<number> {
  const { signal } = context.io
  const { status, before, limit, watch } = flags
  const { client } = await context.connect()
  const query = {
    limit: Math.min(limit, 100),
    ...(status === undefined ? {} : { status }),
    ...(before === undefined ? {} : { before }),
  }
  const shown = {
    read: async () => {
      const deliveries: Delivery[] = []
      for await (const one of client.webhooks.iterateDeliveries(id, query, { signal })) {
        deliveries.push(one)
        if (deliveries.length === limit) break
      }
      return deliveries
    },
    json: (deliveries: Delivery[]) => ({ deliveries }),
    header: ['ID', 'EVENT', 'STATUS', 'TRIES', 'MADE', 'ANSWER'],
    rows: (deliveries: Delivery[]) =>
      deliveries.map((one) => [
        one.id,
        one.event_type,
        one.status,
        String(one.attempt_count),
        formatMoment(one.created_at),
        answerOf(one),
      ]),
    next: (deliveries: Delivery[]) => {
      const last = deliveries.at(-1)
      return deliveries.length < limit || last === undefined ? undefined : `--before ${last.number}`
    },
    empty: `Nothing was sent. Try it: slipway webhook test ${id}`,
  }
  return showList(context, shown, watch === undefined ? {} : { watch })
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
      `  ${made.attempt}. ${styles.dim(formatMoment(made.started_at))}  ${terminalWord(what)}${took}\n`,
    )
    for (const line of (made.response_excerpt ?? '').split('\n').filter(Boolean).slice(0, 20)) {
      await io.out.write(`     ${styles.dim(terminalLine(line, false).replaceAll('\n', ' '))}\n`)
    }
  }
  if (delivery.next_attempt_at !== null) {
    await io.out.write(
      `  next attempt ${styles.dim(`${formatMoment(delivery.next_attempt_at)} UTC`)}\n`,
    )
  }
  return exitCodes.success
}
