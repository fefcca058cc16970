import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A real S3 on this machine: Ceph's gateway over one store in memory, on free ports. */
export interface TestS3 {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  /** Runs `radosgw-admin` with these arguments; answers what it prints. */
  admin(...args: string[]): Promise<string>
  close(): Promise<void>
}

const startMs = 60_000

/** Needs Debian's packages ceph-mon, ceph-osd and radosgw. */
export async function startRadosgw(): Promise<TestS3> {
  // Sockets in it must stay below 108 bytes.
  const root = await mkdtemp(join(tmpdir(), 's3-'))
  const children: ChildProcess[] = []
  const close = async () => {
    for (const child of children.toReversed()) await end(child)
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    return { ...(await start(root, children)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(root: string, children: ChildProcess[]): Promise<Omit<TestS3, 'close'>> {
  const [monitor, gateway] = await freePorts()
  const conf = join(root, 'ceph.conf')
  const ids = { cluster: randomUUID(), osd: randomUUID() }
  for (const name of ['mon', 'osd', 'run', 'log', 'rgw']) await mkdir(join(root, name))
  await writeFile(conf, configuration(root, { monitor, gateway, cluster: ids.cluster }))
  const ceph = (tool: string, ...args: string[]) =>
    run(tool, ['-c', conf, ...args], { timeout: startMs })
  const daemon = (tool: string, ...args: string[]) => {
    const log = openSync(join(root, 'log', `${tool}.out`), 'a')
    const child = spawn(tool, ['-c', conf, ...args, '-f'], { stdio: ['ignore', log, log] })
    closeSync(log)
    children.push(child)
    return child
  }
  const map = join(root, 'monmap')
  const addresses = ['--addv', 'a', `[v1:127.0.0.1:${monitor}]`]
  await run('monmaptool', ['--create', '--clobber', '--fsid', ids.cluster, ...addresses, map])
  await ceph('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map)
  daemon('ceph-mon', '-i', 'a')
  await eventually('the monitor', () => ceph('ceph', 'osd', 'new', ids.osd, '0'))
  await ceph('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', ids.osd)
  await startStore(ceph, () => daemon('ceph-osd', '-i', '0'))
  daemon('radosgw', '-n', 'client.rgw')
  const user = { id: 'ci', accessKeyId: 'AKIDCI', secretAccessKey: 'SECRETCI' }
  await ceph(
    'radosgw-admin',
    'user',
    'create',
    `--uid=${user.id}`,
    `--display-name=${user.id}`,
    `--access-key=${user.accessKeyId}`,
    `--secret-key=${user.secretAccessKey}`,
  )
  const endpoint = `http://127.0.0.1:${gateway}`
  await eventually('the gateway', async () => {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`answers ${response.status}`)
  })
  const admin = async (...args: string[]) => (await ceph('radosgw-admin', ...args)).stdout
  return { endpoint, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey, admin }
}

/** Without authentication a store may overtake the map of monitors, ends then, and is started again. */
async function startStore(
  ceph: (tool: string, ...args: string[]) => Promise<{ stdout: string }>,
  spawnStore: () => ChildProcess,
): Promise<void> {
  let store = spawnStore()
  await eventually('the store', async () => {
    if (store.exitCode !== null) store = spawnStore()
    const { stdout } = await ceph('ceph', 'osd', 'stat')
    if (!stdout.includes('1 up')) throw new Error(stdout)
  })
}

function configuration(
  root: string,
  at: { monitor: number; gateway: number; cluster: string },
): string {
  return `[global]
fsid = ${at.cluster}
mon_host = [v1:127.0.0.1:${at.monitor}]
public_addr = 127.0.0.1
public_network = 127.0.0.0/8
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${root}/run
log_file = ${root}/log/$name.log
admin_socket = ${root}/run/$name.asok
pid_file = ${root}/run/$name.pid
mon_data = ${root}/mon
osd_data = ${root}/osd
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_op_num_shards = 2
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:${at.gateway}
rgw_data = ${root}/rgw
rgw_run_sync_thread = false
rgw_enable_usage_log = false
`
}

async function eventually(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + startMs
  for (;;) {
    try {
      await attempt()
      return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what} did not start`, { cause: error })
      await pause(100)
    }
  }
}

/** Held all at once, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = Array.from({ length: 2 }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports as [number, number]
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await exit
  clearTimeout(timer)
}
