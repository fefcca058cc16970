/**
 * Small when idle, durable always (fsync and synchronous_commit keep their default: on). What a
 * single server never needs is off: replication, parallel workers, compilation of queries.
 */
export function serverSettings(socketDirectory: string, major: number): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: '0700',
    port: '5432',
    max_connections: '100',
    shared_buffers: '64MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '1GB',
    max_worker_processes: '2',
    max_parallel_workers: '0',
    max_parallel_workers_per_gather: '0',
    max_parallel_maintenance_workers: '0',
    max_logical_replication_workers: '0',
    autovacuum_max_workers: '2',
    autovacuum_naptime: '15s',
    jit: 'off',
    huge_pages: 'off',
    random_page_cost: '1.1',
    log_destination: 'stderr',
    logging_collector: 'off',
    // Errors go to the client that caused them; the file is for what happens to the server itself.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    log_autovacuum_min_duration: '-1',
    ...(major >= 18 ? { io_method: 'sync' } : {}),
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** A locale that is the same on every machine, so that an operating system's upgrade breaks no index. */
export function initdbOptions(major: number): string[] {
  return [
    '--username=postgres',
    // Only the owner of the socket's directory can reach the socket.
    '--auth=trust',
    '--encoding=UTF8',
    ...(major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C']),
    '--no-instructions',
  ]
}
