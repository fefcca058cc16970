// API & Operations Reference, "Release APIs": creating a release; every field, status and error.
import { CreateReleaseResponse } from '@slipway/contract/releases'
import Value from 'typebox/value'
import { asDocumented } from '../support/assert-events.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  image,
  projectName as project,
  refusalOf as refusal,
  type ReleaseCalls,
  releaseCalls,
  repositoryName as name,
  withImage,
} from '../support/release-calls.ts'
import { createReleasesApp, type ReleasesApp } from '../support/releases-app.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const digest = `sha256:${'d'.repeat(64)}`

let app: ReleasesApp
let create: ReleaseCalls['create']
let created: ReleaseCalls['created']
let get: ReleaseCalls['get']
let commit: ReleaseCalls['commit']

beforeAll(async () => {
  app = await createReleasesApp()
  ;({ create, created, get, commit } = await releaseCalls(app))
})
afterAll(() => app.close())

describe('POST /v1/releases', () => {
  it('answers the document’s example with 201 and each of its fields', async () => {
    const sha = await commit(withImage)
    const answer = await create({ commit_sha: sha, artifacts: [image] })
    expect(answer.statusCode).toBe(201)
    const body = answer.json<CreateReleaseResponse>()
    expect(Value.Check(CreateReleaseResponse, body)).toBe(true)
    expect(body.id).toMatch(uuid)
    expect(body.release_number).toBeGreaterThan(0)
    expect(body.oci_uri).toBe(`slipway.test:3000/mycompany/myrepo/api:${sha}`)
    expect(body.canonical_id).toBe(`${name}/${project}/${sha}`)
    expect(body.created_at).toMatch(iso)
    expect(answer.headers.location).toBe(`/v1/releases/${body.id}`)
  })

  it('tells of it as documented', async () => {
    const made = await created({ commit_sha: await commit() })
    const events = await app.events()
    const told = events.filter(
      ({ data }) => (data as { release_id: string }).release_id === made.id,
    )
    expect(told).toHaveLength(1)
    const [{ event_type, data } = { event_type: '', data: {} }] = told
    expect(asDocumented({ event_type, timestamp: made.created_at, data })).toMatchObject({
      event_type: 'release.created',
      data: {
        repository: name,
        project,
        release_number: made.release_number,
        trigger_type: 'manual',
      },
    })
  })

  it.each(['repository', 'project', 'commit_sha', 'artifacts'])('requires %s', async (field) => {
    const whole = { repository: name, project, commit_sha: 'abc123def456', artifacts: [] }
    const body = Object.fromEntries(Object.entries(whole).filter(([key]) => key !== field))
    const error = refusal(await app.request('POST', '/v1/releases', { body }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error.details)).toContain(field)
  })

  it('names every problem of a bad request at once', async () => {
    const body = {
      pipeline_run_id: 'x',
      repository: 'no-slash',
      project: 'Upper',
      commit_sha: 'xyz',
      artifacts: [{ ...image, name: '/', type: 'cake', primary_published_uri: '' }],
      extra: 1,
    }
    const error = refusal(await app.request('POST', '/v1/releases', { body }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    const problems = error.details?.problems as { path: string }[]
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/pipeline_run_id',
        '/repository',
        '/project',
        '/commit_sha',
        '/artifacts/0/name',
        '/artifacts/0/type',
        '/artifacts/0/primary_published_uri',
        '/extra',
      ]),
    )
  })

  it('resolves an abbreviated commit by git, and is 404 for one that there is not', async () => {
    const sha = await commit()
    expect((await created({ commit_sha: sha.slice(0, 9).toUpperCase() })).canonical_id).toBe(
      `${name}/${project}/${sha}`,
    )
    const unknown = refusal(
      await create({ commit_sha: '0123456789abcdef0123456789abcdef01234567' }),
    )
    expect(unknown).toMatchObject({ status: 404, code: 'resource_not_found' })
    const short = refusal(await create({ commit_sha: '0123456' }))
    expect(short).toMatchObject({ status: 404, code: 'resource_not_found' })
  })

  it('is 409 with the candidates where an abbreviated commit may be several', async () => {
    const shas = [
      'abcdef7000000000000000000000000000000001',
      'abcdef7000000000000000000000000000000002',
    ]
    for (const sha of shas) await app.addRun({ repository: name, commit: sha, project })
    const error = refusal(await create({ commit_sha: 'abcdef7' }))
    expect(error).toMatchObject({ status: 409, code: 'resource_conflict' })
    expect(error.details?.candidates).toEqual(shas)
  })

  it('is 409 with its id where the commit has a release, also of what is asked for at once', async () => {
    const sha = await commit()
    const answers = await Promise.all([1, 2, 3].map(() => create({ commit_sha: sha })))
    const made = answers.find(({ statusCode }) => statusCode === 201)
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409,
    ])
    for (const answer of answers.filter((one) => one !== made)) {
      expect(refusal(answer)).toMatchObject({
        code: 'resource_conflict',
        details: { release_id: made?.json<{ id: string }>().id },
      })
    }
  })

  it('gives ten that are made at once ten numbers without a gap', async () => {
    const shas = Array.from({ length: 10 }, (_, index) => `c0ffee${index}`.padEnd(40, '0'))
    for (const sha of shas) await app.addRun({ repository: name, commit: sha, project: 'ten' })
    const made = await Promise.all(shas.map((sha) => created({ project: 'ten', commit_sha: sha })))
    const numbers = made.map((release) => release.release_number).toSorted((a, b) => a - b)
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('leaves no gap and no trace where the registry fails half-way', async () => {
    const sha = await commit()
    const before = (await app.request('GET', `/v1/releases/${name}/${project}`)).json().total
    const { putManifest } = app.registry
    app.registry.putManifest = () => Promise.reject(new Error('the disk is full'))
    const failed = await create({ commit_sha: sha })
    app.registry.putManifest = putManifest
    expect(failed.statusCode).toBe(500)
    expect(failed.body).not.toContain('disk')
    expect((await app.request('GET', `/v1/releases/${name}/${project}/${sha}`)).statusCode).toBe(
      404,
    )
    expect((await created({ commit_sha: sha })).release_number).toBe(before + 1)
  })

  it('refuses artifacts that are not those that the project declares, naming each', async () => {
    const sha = await commit(withImage)
    const wrong = [
      { ...image, type: 'archive' },
      { ...image, name: 'other' },
    ]
    const error = refusal(await create({ commit_sha: sha, artifacts: wrong }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error.details)).toContain('/artifacts/0/type')
    expect(JSON.stringify(error.details)).toContain('/artifacts/1/name')
    const missing = refusal(await create({ commit_sha: sha }))
    expect(missing).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(missing.message).toContain('image')
    const bare = { ...image, primary_published_uri: 'registry.test/api:1' }
    const unresolved = refusal(await create({ commit_sha: sha, artifacts: [bare] }))
    expect(unresolved.message).toContain('/deploy/resources/0/spec/image')
  })

  it('takes the artifacts of the run that is named, or of the newest one of the commit', async () => {
    const config = {
      artifacts: [{ name: 'image', type: 'container' }],
      resources: withImage.deploy.resources,
    }
    for (const [sha, isNamed] of [
      ['aa11aa1100000000000000000000000000000001', true],
      ['aa11aa1100000000000000000000000000000002', false],
    ] as const) {
      const run = await app.addRun({ repository: name, commit: sha, project, config })
      const uri = `registry.test/of-run@${digest}`
      await app.addArtifact(run, { project, name: 'image', type: 'container', uri, digest })
      const named = isNamed ? { pipeline_run_id: run } : {}
      const { id } = await created({ commit_sha: sha, ...named })
      expect(await get(id)).toMatchObject({
        pipeline_run_id: run,
        artifacts: [{ name: 'image', primary_published_uri: uri }],
        trigger: { trigger_type: 'manual', branch: 'main', triggered_by: 'admin' },
      })
    }
  })

  it('names the projects there are where the commit has no such project', async () => {
    const error = refusal(await create({ commit_sha: await commit(), project: 'nothing' }))
    expect(error).toMatchObject({ status: 404, details: { projects: [project] } })
    expect(error.message).toContain(project)
  })

  it('says what to add where the project cannot be released by hand', async () => {
    const error = refusal(await create({ commit_sha: await commit({ release: { on: [] } }) }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(error.message).toContain('{manual: true}')
    expect(error.message).toContain('.forge/project.json')
  })

  it('says what is wrong with a configuration', async () => {
    const error = refusal(await create({ commit_sha: await commit({ nonsense: 1 }) }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error)).toContain('nonsense')
  })

  it('is 401 without a token, 403 without the permission or for a repository out of scope', async () => {
    const body = { repository: name, project, commit_sha: 'abc123def456', artifacts: [] }
    const anonymous = await app.request('POST', '/v1/releases', { body, token: null })
    expect(refusal(anonymous)).toMatchObject({ status: 401, code: 'authentication_failed' })
    for (const token of [
      await app.tokenFor(['viewer']),
      await app.tokenFor(['approver']),
      await app.tokenFor(['developer'], { repositories: ['mycompany/other'] }),
    ]) {
      const refused = await app.request('POST', '/v1/releases', { body, token })
      expect(refusal(refused)).toMatchObject({ status: 403, code: 'authorization_failed' })
    }
  })
})
