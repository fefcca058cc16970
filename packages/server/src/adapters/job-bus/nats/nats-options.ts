/** Where NATS is, and how it is spoken to. */
export interface NatsOptions {
  /** `host:port` each, of one cluster. */
  servers: readonly string[]
  credentials:
    | { kind: 'none' }
    | { kind: 'password'; user: string; password: string }
    | { kind: 'token'; token: string }
    /** Read again at each connection, so that it may be renewed. */
    | { kind: 'file'; path: string }
    /** The seed of an nkey. */
    | { kind: 'nkey'; seed: string }
  /** Null: TLS only where the server asks for it, with the authorities of the system. */
  tls: {
    caFile: string | null
    /** Read again at each connection. */
    client: { certFile: string; keyFile: string } | null
  } | null
  /** Put before the names of streams and subjects, so that several installations can share an account; may be empty. */
  prefix: string
}
