'use strict'
/* oxlint-disable max-lines -- it is copied to runners as one file */
/*
 * Container hooks of GitHub's runner (ACTIONS_RUNNER_CONTAINER_HOOKS): runs the steps of a job in an
 * ephemeral container that a Slipway server starts. The runner starts this file with its own Node, gives
 * it a command as JSON on stdin, shows what it writes, and reads its answer from a file.
 *
 * Environment: SLIPWAY_URL (the server), SLIPWAY_TOKEN_FILE (file with a service account's token, readable
 * by its owner alone), SLIPWAY_LABELS (labels of the runner class, with commas; default self-hosted),
 * SLIPWAY_ALLOW_HTTP (`true`: a server that is not on this machine may be spoken to without TLS).
 *
 * Whatever fails is a failure of the step or job: nothing is ever run on this machine instead.
 * One file without dependencies, for Node 16 and later, as CommonJS or as a module.
 */

/** Milliseconds. */
const limits = {
  input: 30_000,
  connect: 15_000,
  // The server says something every ten seconds.
  silence: 60_000,
  retryAnswer: 60_000,
  retryWork: 30_000,
  cleanup: 120_000,
  // The runner kills what has not ended 7.5 seconds after it was told to.
  cleanupWhenTold: 5_000,
  delegatedWhenTold: 1_500,
}
const mostInputBytes = 64 * 1024 * 1024
const mostLineBytes = 16 * 1024 * 1024
const mostAnswerBytes = 1024 * 1024
const neverSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']
const isSocket = (path) => /(^|\/)(docker|containerd|podman|crio)\.sock$/.test(path)

/** Something that is said to people as it is. */
class Failure extends Error {
  constructor(message, more = {}) {
    super(message)
    Object.assign(this, more)
  }
}

/** Aborts when a signal tells us to end. */
const stopping = new AbortController()

/** @returns {Error} why a signal aborted; Node 16 does not keep it. */
function reasonOf(signal) {
  return signal.reason instanceof Error ? signal.reason : new Failure('ended', { isStop: true })
}

async function main() {
  const node = await load()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => stopping.abort(new Failure(`ended by ${name}`, { isStop: true })))
  }
  let input
  try {
    input = await readInput()
    const run = { ...node, config: readConfig(node), input }
    const command = commands[input.command]
    if (command === undefined) throw new Failure(`there is no command ${show(input.command)}`)
    process.exitCode = await command(run)
  } catch (error) {
    say(process.stderr, error instanceof Failure ? error.message : String(error && error.stack))
    process.exitCode = error && error.isStop ? 130 : 1
  }
}

/** Imports that work as CommonJS and as a module. */
async function load() {
  const [fs, http, https, os, path, crypto] = await Promise.all(
    ['fs', 'http', 'https', 'os', 'path', 'crypto'].map((name) => import(`node:${name}`)),
  )
  return { fs, http, https, os, path, crypto }
}

const commands = {
  async prepare_job(run) {
    const { container, services } = run.input.args || {}
    if (!container || !container.image) {
      throw new Failure(
        'the job has no `container`: its steps would run on the proxy runner itself, which they must not',
      )
    }
    await forgetStale(run)
    const image = container.image
    const labels = run.config.labels
    const repository = needEnv('GITHUB_REPOSITORY')
    const mounts = mountsOf(run, container)
    requireTokenOutside(run, mounts)
    const wanted = (services || []).map((service) => describeService(run, service))
    if (container.registry && container.registry.username) {
      const body = { repository, labels, image, registry: loginOf(container.registry) }
      await work(run, 'POST', '/api/jobs/pull', body)
    }
    const asked = { image, mounts, ...optional('options', container.createOptions) }
    const id = await delegate(run, { repository, labels, container: asked })
    writeNote(run, { delegationId: id, outcome: null })
    try {
      const path = `/api/jobs/${id}/container`
      const { result } = await work(run, 'POST', path, { services: wanted })
      if (list(container.portMappings).length > 0) {
        say(process.stdout, 'ports of the job container are not opened on the host')
      }
      respond(run, {
        state: { delegationId: id, environment: container.environmentVariables || {} },
        context: {
          container: { id: result.container.id, network: result.container.network, ports: {} },
          services: result.services,
        },
        isAlpine: result.isAlpine,
      })
    } catch (error) {
      // The runner gives the state of a failed preparation to nobody: whoever cleans up would not know it.
      try {
        await remove(run, id, error.isStop ? 'cancelled' : 'failed')
      } catch (left) {
        say(process.stderr, `the container was not removed yet: ${left.message}`)
      }
      throw error
    }
    return 0
  },

  async run_script_step(run) {
    const { args, state } = run.input
    const argv = [needText(args, 'entryPoint'), ...wordsOf(args.entryPointArgs)]
    return step(run, `/api/jobs/${needId(state)}/exec`, {
      argv,
      env: {
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        ...state.environment,
        ...args.environmentVariables,
      },
      ...optional('workdir', args.workingDirectory),
      prependPath: pathsOf(args.prependPath),
    })
  },

  async run_container_step(run) {
    const { args, state } = run.input
    const mounts = mountsOf(run, args)
    requireTokenOutside(run, mounts)
    return step(run, `/api/jobs/${needId(state)}/step-container`, {
      ...(args.dockerfile ? { dockerfile: args.dockerfile } : { image: needText(args, 'image') }),
      ...optional('entrypoint', args.entryPoint),
      args: wordsOf(args.entryPointArgs),
      env: { CI: 'true', GITHUB_ACTIONS: 'true', ...args.environmentVariables },
      ...optional('workdir', args.workingDirectory),
      mounts,
      prependPath: pathsOf(args.prependPath),
      ...optional('options', args.createOptions),
      ...(args.registry && args.registry.username ? { registry: loginOf(args.registry) } : {}),
    })
  },

  async cleanup_job(run) {
    const note = readNote(run)
    const state = run.input.state || {}
    const id = state.delegationId || (note && note.delegationId)
    if (!id) return 0
    const outcome = note && note.delegationId === id ? note.outcome : null
    await remove(run, needId({ delegationId: id }), outcome || 'completed')
    return 0
  },
}

// What is asked of the server

/** Repeating it answers the same delegation: the name is made once for every preparation. */
async function delegate(run, asked) {
  const jobName = needEnv('GITHUB_JOB')
  const env = process.env
  const body = {
    ...asked,
    jobId: `${jobName.slice(0, 150)}#${run.crypto.randomUUID()}`,
    jobName,
    runId: needEnv('GITHUB_RUN_ID'),
    ...(env.GITHUB_RUN_ATTEMPT ? { runAttempt: Number(env.GITHUB_RUN_ATTEMPT) } : {}),
    ...optional('workflow', env.GITHUB_WORKFLOW),
    ...optional('runnerName', env.RUNNER_NAME),
    ...optional('sha', env.GITHUB_SHA),
    ...optional('ref', env.GITHUB_REF),
    ...optional('eventName', env.GITHUB_EVENT_NAME),
    ...optional('actor', env.GITHUB_ACTOR),
  }
  // Once it may be there its id is waited for, also when told to end: nobody else would know what to remove.
  const until = new AbortController()
  let timer = null
  const told = () => {
    const { signal } = stopping
    timer = setTimeout(() => until.abort(reasonOf(signal)), limits.delegatedWhenTold)
  }
  stopping.signal.addEventListener('abort', told, { once: true })
  try {
    if (stopping.signal.aborted) throw reasonOf(stopping.signal)
    const { data } = await ask(run, 'POST', '/api/jobs/delegate', body, { signal: until.signal })
    return needId(data)
  } finally {
    stopping.signal.removeEventListener('abort', told)
    clearTimeout(timer)
  }
}

/** Runs a step: its exit code is ours. */
async function step(run, path, body) {
  try {
    const { result } = await work(run, 'POST', path, body)
    const { exitCode } = result
    if (exitCode !== 0) noteOutcome(run, 'failed')
    return exitCode > 0 && exitCode < 256 ? exitCode : exitCode === 0 ? 0 : 1
  } catch (error) {
    noteOutcome(run, error.isStop ? 'cancelled' : 'failed')
    throw error
  }
}

/** Ends the delegation and waits until its containers are gone. What is gone already is no failure. */
async function remove(run, id, status) {
  const wasTold = stopping.signal.aborted
  const ms = wasTold ? limits.cleanupWhenTold : limits.cleanup
  // Of its own: what ends the rest must not end the cleaning up.
  const until = new AbortController()
  const timer = setTimeout(() => until.abort(new Failure(`no answer within ${ms} ms`)), ms)
  const gone = (error) => {
    if (error.status !== 404 && error.status !== 409) throw error
  }
  const options = { signal: until.signal, retryMs: ms }
  try {
    await ask(run, 'POST', `/api/jobs/${id}/proxy-complete`, { status }, options).catch(gone)
    await ask(run, 'DELETE', `/api/jobs/${id}/container`, null, options).catch(gone)
    dropNote(run, id)
  } finally {
    clearTimeout(timer)
  }
}

/** A job that a runner before us left behind, e.g. because the machine was switched off. */
async function forgetStale(run) {
  const note = readNote(run)
  if (!note || !note.delegationId) return
  say(process.stdout, `removing what is left of the job ${note.delegationId}`)
  try {
    await remove(run, needId(note), note.outcome || 'failed')
  } catch (error) {
    if (error.status !== 403) throw error
    // The token is another one now, which may tell of its end and never remove it: the server does.
    say(process.stdout, `it is left to the server: ${error.message}`)
    dropNote(run, note.delegationId)
  }
}

/** A request with an answer. Asked again while the server is away: repeating it is harmless. */
async function ask(run, method, path, body, options = {}) {
  const signal = options.signal || stopping.signal
  const until = Date.now() + (options.retryMs || limits.retryAnswer)
  for (let pause = 250; ; pause = Math.min(pause * 2, 5_000)) {
    try {
      const answer = await open(run, { method, path, body, signal })
      const text = await readText(answer)
      if (answer.statusCode < 300) return JSON.parse(text)
      throw refusal(answer, text)
    } catch (error) {
      const again = error.isAway || [429, 502, 503, 504].includes(error.status)
      if (!again || signal.aborted || Date.now() + pause > until) throw error
    }
    await sleep(pause, signal)
  }
}

/**
 * Work whose output is shown as it comes, and whose end is told. It is asked for again only while nothing
 * can have begun. When the connection breaks off, the server ends the work, and so do we.
 */
async function work(run, method, path, body) {
  const { signal } = stopping
  const until = Date.now() + limits.retryWork
  for (let pause = 250; ; pause = Math.min(pause * 2, 5_000)) {
    try {
      const answer = await open(run, { method, path, body, signal })
      if (answer.statusCode === 200) return await follow(answer)
      throw refusal(answer, await readText(answer))
    } catch (error) {
      const again = neverSent.includes(error.code) || [429, 503].includes(error.status)
      if (!again || signal.aborted || Date.now() + pause > until) throw error
    }
    await sleep(pause, signal)
  }
}

/** Reads JSON lines to the last one. */
async function follow(answer) {
  let rest = Buffer.alloc(0)
  try {
    for await (const chunk of answer) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      if (rest.length > mostLineBytes) throw new Failure('the server sends lines without an end')
      let from = 0
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, from)) {
        const message = JSON.parse(rest.toString('utf8', from, at))
        from = at + 1
        if (message.type === 'done') return message
        if (message.type === 'failed') throw new Failure(message.error, { told: message.code })
        if (message.type === 'note') say(process.stdout, message.text)
        if (message.type === 'output') await write(Buffer.from(message.data, 'base64'))
      }
      rest = rest.subarray(from)
    }
  } catch (error) {
    if (stopping.signal.aborted) throw reasonOf(stopping.signal)
    if (error instanceof Failure) throw error
    throw new Failure(`the connection to the server broke off: ${error.message}`)
  } finally {
    answer.destroy()
  }
  throw new Failure('the connection to the server broke off: how the step ended is not known')
}

function open(run, { method, path, body, signal }) {
  const { config } = run
  const client = config.url.protocol === 'https:' ? run.https : run.http
  const payload = body === null ? null : Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(reasonOf(signal))
    const request = client.request(
      new URL(config.url.pathname.replace(/\/$/, '') + path, config.url),
      {
        method,
        agent: false,
        headers: {
          authorization: `Bearer ${config.token}`,
          accept: 'application/json, application/x-ndjson',
          'user-agent': 'slipway-runner-hooks',
          ...(payload === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': payload.length }),
        },
      },
    )
    const stop = () => request.destroy(reasonOf(signal))
    signal.addEventListener('abort', stop, { once: true })
    request.setTimeout(limits.connect, () => request.destroy(new Error('no connection in time')))
    request.on('socket', (socket) => {
      const connected = config.url.protocol === 'https:' ? 'secureConnect' : 'connect'
      socket.once(connected, () => {
        request.setTimeout(limits.silence, () => request.destroy(new Error('the server is silent')))
      })
    })
    request.once('close', () => signal.removeEventListener('abort', stop))
    request.once('error', (error) => {
      if (signal.aborted) return reject(reasonOf(signal))
      const message = `the server ${config.url.origin} cannot be reached: ${error.message}`
      reject(new Failure(message, { code: error.code, isAway: true }))
    })
    request.once('response', resolve)
    request.end(payload)
    return undefined
  })
}

function refusal({ statusCode }, text) {
  let why = text.slice(0, 500)
  try {
    why = JSON.parse(text).error || why
  } catch {
    // Something else than a Slipway server may answer.
  }
  return new Failure(`the server refuses (${statusCode}): ${why}`, { status: statusCode })
}

async function readText(answer) {
  const chunks = []
  let size = 0
  for await (const chunk of answer) {
    size += chunk.length
    if (size > mostAnswerBytes) throw new Failure('the server answers too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

// What the runner gives and takes

async function readInput() {
  const timer = setTimeout(
    () => stopping.abort(new Failure('the runner has not said on stdin what it wants')),
    limits.input,
  )
  const stop = () => process.stdin.destroy(reasonOf(stopping.signal))
  stopping.signal.addEventListener('abort', stop, { once: true })
  try {
    const chunks = []
    let size = 0
    for await (const chunk of process.stdin) {
      size += chunk.length
      if (size > mostInputBytes) throw new Failure('the runner says too much on stdin')
      chunks.push(chunk)
    }
    const input = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof input !== 'object' || input === null) throw new SyntaxError('no object')
    return input
  } catch (error) {
    // The message of a parser would show what it has read, which may be secret.
    if (error instanceof SyntaxError)
      throw new Failure('what the runner says on stdin is no JSON object')
    throw error
  } finally {
    clearTimeout(timer)
    stopping.signal.removeEventListener('abort', stop)
  }
}

function respond(run, response) {
  const file = run.input.responseFile
  if (!file) throw new Failure('the runner has named no file for the response')
  // The state may hold secrets of the job.
  run.fs.writeFileSync(file, JSON.stringify(response), { mode: 0o600 })
}

function readConfig({ fs }) {
  const { SLIPWAY_URL, SLIPWAY_TOKEN_FILE, SLIPWAY_LABELS, SLIPWAY_ALLOW_HTTP } = process.env
  if (!SLIPWAY_URL) throw new Failure('SLIPWAY_URL is not set: it says where the server is')
  let url
  try {
    url = new URL(SLIPWAY_URL)
  } catch {
    throw new Failure('SLIPWAY_URL is no URL')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Failure('SLIPWAY_URL is neither https nor http')
  }
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !isHere && SLIPWAY_ALLOW_HTTP !== 'true') {
    throw new Failure(
      'SLIPWAY_URL is http: secrets of jobs would be readable on the way. Use https, or set SLIPWAY_ALLOW_HTTP=true',
    )
  }
  if (!SLIPWAY_TOKEN_FILE) {
    throw new Failure('SLIPWAY_TOKEN_FILE is not set: it names the file with the token')
  }
  const labels = (SLIPWAY_LABELS || 'self-hosted').split(',').map((label) => label.trim())
  return {
    url,
    token: readToken(fs, SLIPWAY_TOKEN_FILE),
    tokenFile: SLIPWAY_TOKEN_FILE,
    labels: labels.filter((label) => label !== ''),
  }
}

function readToken(fs, file) {
  let descriptor
  try {
    descriptor = fs.openSync(file, 'r')
  } catch (error) {
    throw new Failure(`SLIPWAY_TOKEN_FILE cannot be read: ${error.code}`)
  }
  try {
    const stat = fs.fstatSync(descriptor)
    if (!stat.isFile() || stat.size > 4096)
      throw new Failure('SLIPWAY_TOKEN_FILE is no file with a token')
    if ((stat.mode & 0o077) !== 0) {
      throw new Failure('SLIPWAY_TOKEN_FILE can be read by others than its owner: chmod 600')
    }
    if (stat.uid !== process.getuid() && stat.uid !== 0) {
      throw new Failure('SLIPWAY_TOKEN_FILE belongs to somebody else')
    }
    const token = fs.readFileSync(descriptor, 'utf8').trim()
    if (!/^[\x21-\x7e]{20,2048}$/.test(token))
      throw new Failure('SLIPWAY_TOKEN_FILE holds no token')
    return token
  } finally {
    fs.closeSync(descriptor)
  }
}

/** A job that could mount the token's file could become its owner. */
function requireTokenOutside({ fs, path, config }, mounts) {
  const file = fs.realpathSync(config.tokenFile)
  for (const { source } of mounts) {
    let real = source
    try {
      real = fs.realpathSync(source)
    } catch {
      // The server says what is wrong with it.
    }
    if (file === real || file.startsWith(real.endsWith(path.sep) ? real : real + path.sep)) {
      throw new Failure(`the mount of ${source} would give the job the token of this runner`)
    }
  }
}

function describeService(run, service) {
  const { image, contextName } = service
  // Newer runners do not say what the workflow calls a service: it has the name of its image, as a host may.
  const last = String(image || '')
    .split('/')
    .pop()
    .split(/[:@]/)[0]
    .slice(0, 63)
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^[_-]+|[_-]+$/g, '')
  const names = [...new Set([contextName, last])].filter((name) => name)
  return {
    names,
    image,
    ...optional('entrypoint', service.entryPoint || service.entrypoint),
    args: wordsOf(service.entryPointArgs),
    env: service.environmentVariables || {},
    mounts: mountsOf(run, service),
    ...optional('options', service.createOptions),
    ports: list(service.portMappings),
    ...(service.registry && service.registry.username
      ? { registry: loginOf(service.registry) }
      : {}),
  }
}

/**
 * Mounts as the server takes them. The runner always adds the socket of an engine: that is left out; a
 * workflow that asks for it is refused by the server.
 */
function mountsOf({ path }, container) {
  const system = list(container.systemMountVolumes).filter(
    ({ sourceVolumePath }) => !isSocket(String(sourceVolumePath)),
  )
  return [...system, ...list(container.userMountVolumes)].map((mount) => {
    const { sourceVolumePath: source, targetVolumePath: target, readOnly } = mount
    if (!String(source || '').startsWith('/')) {
      throw new Failure(
        `there are no volumes of an engine here: ${show(source)} is no absolute path`,
      )
    }
    const clean = (name) => path.posix.normalize(String(name)).replace(/(.)\/$/, '$1')
    return { source: clean(source), target: clean(target), readOnly: readOnly === true }
  })
}

function loginOf({ username, password, serverUrl }) {
  return { username, password: password || '', ...optional('serverUrl', serverUrl) }
}

/**
 * Words as they were meant. The runner splits a command line at every space, quotes or not: what it has
 * split is put together and split as a shell would. An argument with a space in it is whole.
 */
function wordsOf(args) {
  const given = list(args).map(String)
  if (given.some((word) => /\s/.test(word)) || !given.some((word) => /["'\\]/.test(word)))
    return given
  const words = []
  const form = /\s*((?:"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^\s"'\\])+)(?=\s|$)/y
  const text = given.join(' ')
  while (text.slice(form.lastIndex).trim() !== '') {
    const match = form.exec(text)
    if (match === null) return given
    words.push(
      match[1].replace(/"((?:\\[^]|[^"\\])*)"|'([^']*)'|\\([^])/g, (_, double, single, one) =>
        double === undefined ? (single ?? one) : double.replace(/\\(["\\$`])/g, '$1'),
      ),
    )
  }
  return words
}

// What is remembered between commands, where jobs cannot reach it

function noteFile({ fs, os, path, crypto, config }) {
  const uid = process.getuid()
  const folder = path.join(os.tmpdir(), `slipway-hooks-${uid}`)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = fs.lstatSync(folder)
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new Failure(`${folder} must be a directory of this user alone`)
  }
  const runner = `${config.url.href} ${process.env.RUNNER_NAME || ''}`
  return path.join(folder, crypto.createHash('sha256').update(runner).digest('hex'))
}

function readNote(run) {
  try {
    return JSON.parse(run.fs.readFileSync(noteFile(run), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return null
    throw error
  }
}

function writeNote(run, note) {
  const file = noteFile(run)
  run.fs.writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600 })
  run.fs.renameSync(`${file}.new`, file)
}

/** How the job will have ended, as far as steps tell. */
function noteOutcome(run, outcome) {
  const note = readNote(run)
  const id = run.input.state.delegationId
  if (note && note.delegationId !== id) return
  if (note && note.outcome === 'cancelled') return
  writeNote(run, { delegationId: id, outcome })
}

function dropNote(run, id) {
  const note = readNote(run)
  if (note && note.delegationId === id) run.fs.rmSync(noteFile(run), { force: true })
}

// Small things

function needEnv(name) {
  const value = process.env[name]
  if (!value) throw new Failure(`${name} is not set: this is not run by GitHub’s runner`)
  return value
}

function needText(from, name) {
  const value = from && from[name]
  if (typeof value !== 'string' || value === '')
    throw new Failure(`the runner has given no ${name}`)
  return value
}

function needId(from) {
  const id = from && from.delegationId
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(id))) return id
  throw new Failure('the runner has given no state: the job was not prepared')
}

function optional(name, value) {
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}

function list(value) {
  return Array.isArray(value) ? value : []
}

function pathsOf(value) {
  return typeof value === 'string' ? value.split(':').filter((part) => part !== '') : list(value)
}

function show(value) {
  return JSON.stringify(value === undefined ? null : value).slice(0, 200)
}

/** A line of ours: nothing in it is a command to the runner. */
function say(stream, text) {
  stream.write(
    `slipway: ${String(text)
      .replace(/\s*\n\s*/g, ' ')
      .replace(/##\[/g, '## [')}\n`,
  )
}

function write(chunk) {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error instanceof Error ? reject(error) : resolve()))
  })
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(reasonOf(signal))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
}

void main()
