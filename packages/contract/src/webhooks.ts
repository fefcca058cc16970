import Type, { type Static } from 'typebox'
import {
  Cursor,
  Limit,
  NullableTimestamp,
  RepositoryName,
  Text,
  Timestamp,
  Uuid,
} from './fields.ts'

// Our own: the API & Operations Reference names webhooks under "Future Considerations". What is sent
// follows Standard Webhooks (https://www.standardwebhooks.com), and its body is the event's envelope.

const Url = Text({
  minLength: 1,
  maxLength: 2000,
  description:
    'http or https, without credentials. It may not lead to this machine or a private network, unless the server allows it.',
})

const Events = Type.Union(
  [
    Type.Array(Type.String({ pattern: '^[a-z]+(\\.[a-z]+)*(\\.\\*)?$', maxLength: 100 }), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
    }),
    Type.Null(),
  ],
  { description: 'Event types, or prefixes ending in ".*". Absent or null: every event.' },
)

const Repositories = Type.Union(
  [Type.Array(RepositoryName, { minItems: 1, maxItems: 1000, uniqueItems: true }), Type.Null()],
  {
    description:
      'Only events of these. Absent or null: of all that the token may see, and with a token that is not limited also events that belong to none.',
  },
)

const Description = Type.Union([Text({ maxLength: 500 }), Type.Null()], {
  description: 'For people.',
})

/** `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks writes a symmetric secret. */
const Secret = Type.String({
  pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$',
  description: 'whsec_ and 24 to 64 random bytes in base64. Absent: one is made.',
})

export const CreateWebhookRequest = Type.Object(
  {
    url: Url,
    events: Type.Optional(Events),
    repositories: Type.Optional(Repositories),
    description: Type.Optional(Description),
    enabled: Type.Optional(Type.Boolean({ description: 'Default: true.' })),
    secret: Type.Optional(Secret),
  },
  { $id: 'CreateWebhookRequest', additionalProperties: false },
)
export type CreateWebhookRequest = Static<typeof CreateWebhookRequest>

export const UpdateWebhookRequest = Type.Object(
  {
    url: Type.Optional(Url),
    events: Type.Optional(Events),
    repositories: Type.Optional(Repositories),
    description: Type.Optional(Description),
    enabled: Type.Optional(
      Type.Boolean({ description: 'True also forgets why the server disabled it.' }),
    ),
  },
  {
    $id: 'UpdateWebhookRequest',
    additionalProperties: false,
    minProperties: 1,
    description: 'What is absent stays as it is.',
  },
)
export type UpdateWebhookRequest = Static<typeof UpdateWebhookRequest>

/** A list or null, as one schema: a union would have every answer validated as it is written. */
const NullableTexts = Type.Unsafe<string[] | null>({
  type: ['array', 'null'],
  items: { type: 'string' },
})
const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const NullableInteger = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], description })
const NullableUuid = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'uuid', description })

const webhookFields = {
  id: Uuid,
  url: Type.String(),
  events: NullableTexts,
  repositories: NullableTexts,
  description: NullableText,
  enabled: Type.Boolean(),
  disabled_reason: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Why the server disabled it; null when nobody or a person did.',
  }),
  previous_secret_expires_at: NullableTimestamp,
  created_by: Type.String(),
  created_at: Timestamp,
  updated_at: Timestamp,
}

/** A webhook as everything but its creation shows it: never its secret. */
export const Webhook = Type.Object(webhookFields, { $id: 'Webhook' })
export type Webhook = Static<typeof Webhook>

/** The answer to a creation. */
export const CreatedWebhook = Type.Object(
  { ...webhookFields, secret: Type.String({ description: 'whsec_…; shown this once.' }) },
  { $id: 'CreatedWebhook' },
)
export type CreatedWebhook = Static<typeof CreatedWebhook>

export const ListWebhooksResponse = Type.Object(
  {
    webhooks: Type.Array(Webhook),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListWebhooksResponse' },
)
export type ListWebhooksResponse = Static<typeof ListWebhooksResponse>

export const RotateSecretRequest = Type.Object(
  { secret: Type.Optional(Secret) },
  { $id: 'RotateSecretRequest', additionalProperties: false },
)
export type RotateSecretRequest = Static<typeof RotateSecretRequest>

export const RotatedSecret = Type.Object(
  {
    secret: Type.String({ description: 'whsec_…; shown this once.' }),
    previous_secret_expires_at: Type.String({
      format: 'date-time',
      description: 'Until then every delivery is signed with both secrets.',
    }),
  },
  { $id: 'RotatedSecret' },
)
export type RotatedSecret = Static<typeof RotatedSecret>

export const DeliveryStatus = Type.Enum(['pending', 'delivered', 'dead'])
export type DeliveryStatus = Static<typeof DeliveryStatus>

const deliveryFields = {
  id: Uuid,
  number: Type.Integer({ description: 'Grows with every delivery; `before` goes on from it.' }),
  webhook_id: Uuid,
  message_id: Type.String({
    format: 'uuid',
    description: 'The header webhook-id: the same in every attempt and every redelivery.',
  }),
  event_id: NullableInteger('Number of the event in GET /v1/events; null: a test.'),
  event_type: Type.String(),
  status: DeliveryStatus,
  attempt_count: Type.Integer({ description: 'Attempts that have begun.' }),
  next_attempt_at: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format: 'date-time',
    description:
      'While an attempt is under way: when it is over at the latest. Null: it is delivered or dead.',
  }),
  response_status: NullableInteger('HTTP status of the newest answer; null: there was none.'),
  error: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Why the newest attempt failed.',
  }),
  redelivery_of: NullableUuid('The delivery that this one repeats.'),
  created_at: Timestamp,
  completed_at: NullableTimestamp,
}

export const Delivery = Type.Object(deliveryFields, { $id: 'Delivery' })
export type Delivery = Static<typeof Delivery>

export const DeliveryAttempt = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1 }),
    started_at: Timestamp,
    duration_ms: NullableInteger('Null: it is under way, or its server died.'),
    response_status: NullableInteger('Null: there was no answer.'),
    response_excerpt: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: "The first 2 KiB of the answer's body.",
    }),
    error: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Null: it was delivered, or is under way.',
    }),
  },
  { $id: 'DeliveryAttempt' },
)
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

export const DeliveryDetails = Type.Object(
  {
    ...deliveryFields,
    event: Type.Unknown({ description: 'The body that is sent, as JSON.' }),
    attempts: Type.Array(DeliveryAttempt),
  },
  { $id: 'DeliveryDetails' },
)
export type DeliveryDetails = Static<typeof DeliveryDetails>

export const ListDeliveriesQuery = Type.Object(
  {
    status: Type.Optional(DeliveryStatus),
    before: Type.Optional(
      Cursor({ minimum: 1, description: 'Only deliveries with a smaller number.' }),
    ),
    limit: Type.Optional(Limit),
  },
  { $id: 'ListDeliveriesQuery', additionalProperties: false },
)
export type ListDeliveriesQuery = Static<typeof ListDeliveriesQuery>

export const ListDeliveriesResponse = Type.Object(
  { deliveries: Type.Array(Delivery) },
  { $id: 'ListDeliveriesResponse' },
)
export type ListDeliveriesResponse = Static<typeof ListDeliveriesResponse>

/** What `POST /v1/webhooks/{id}/test` sends: in the envelope of events, and never stored as one. */
export const PingEvent = Type.Object(
  {
    event_type: Type.Literal('slipway.ping'),
    timestamp: Timestamp,
    data: Type.Object({ webhook_id: Uuid, sent_by: Type.String() }),
  },
  { $id: 'slipway.ping' },
)
export type PingEvent = Static<typeof PingEvent>
