// API & Operations Reference, "Release APIs": getting and listing releases; every field, parameter, status and error.
import {
  type CreateReleaseResponse,
  ListReleasesResponse,
  Release,
} from '@slipway/contract/releases'
import Value from 'typebox/value'
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
const unknownId = '018f0000-0000-7000-8000-000000000000'

let app: ReleasesApp
let created: ReleaseCalls['created']
let get: ReleaseCalls['get']
let commit: ReleaseCalls['commit']

beforeAll(async () => {
  app = await createReleasesApp()
  ;({ created, get, commit } = await releaseCalls(app))
})
afterAll(() => app.close())

describe('GET /v1/releases/{repo}/{project}/{release-id}', () => {
  let release: CreateReleaseResponse
  let sha: string

  beforeAll(async () => {
    sha = await commit(withImage)
    release = await created({ commit_sha: sha, artifacts: [image] })
  })

  it('answers every documented field', async () => {
    const shown = await get(`mycompany%2Fmyrepo/${project}/${sha}`)
    expect(Value.Check(Release, shown)).toBe(true)
    expect(shown).toEqual({
      id: release.id,
      repository: name,
      project,
      commit_sha: sha,
      release_number: release.release_number,
      oci_uri: release.oci_uri,
      oci_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      created_at: release.created_at,
      created_by: 'admin',
      pipeline_run_id: null,
      artifacts: [image],
      aliases: [{ alias: String(release.release_number), alias_type: 'numeric' }],
      trigger: { trigger_type: 'manual', triggered_by: 'admin' },
    })
  })

  it('finds it by commit, unique beginning of one, number, alias and id', async () => {
    await app.request('PUT', `/v1/releases/${name}/${project}/${sha}/aliases/found`)
    const number = String(release.release_number)
    for (const reference of [sha, sha.toUpperCase(), sha.slice(0, 9), number, 'found']) {
      expect((await get(`mycompany%2Fmyrepo/${project}/${reference}`)).id).toBe(release.id)
    }
    expect((await get(release.id)).id).toBe(release.id)
  })

  it('takes the slash of the repository encoded or not', async () => {
    for (const repo of ['mycompany%2Fmyrepo', 'mycompany%2fmyrepo', 'mycompany/myrepo']) {
      expect((await get(`${repo}/${project}/${sha}`)).id).toBe(release.id)
    }
  })

  it('is 400 for a repository that is none, however it is written', async () => {
    for (const repo of ['mycompany%252Fmyrepo', 'a/..', '..%2F..', 'a%2Fb%2Fc', '%2Fmyrepo']) {
      const answer = await app.request('GET', `/v1/releases/${repo}/${project}/${sha}`)
      expect(refusal(answer), repo).toMatchObject({ status: 400, code: 'invalid_request' })
    }
  })

  it('looks for an alias first, then a number, then a commit', async () => {
    const numbered = '1234567000000000000000000000000000000000'
    await app.addRun({ repository: name, commit: numbered, project })
    const first = await created({ commit_sha: numbered })
    expect((await get(`${name}/${project}/1234567`)).id).toBe(first.id)
    const alias = 'deadbee'
    await app.addRun({ repository: name, commit: alias.padEnd(40, '0'), project })
    const second = await created({ commit_sha: alias.padEnd(40, '0') })
    expect((await get(`${name}/${project}/${alias}`)).id).toBe(second.id)
    await app.request('PUT', `/v1/releases/${name}/${project}/1234567/aliases/${alias}`)
    expect((await get(`${name}/${project}/${alias}`)).id).toBe(first.id)
  })

  it('is 409 with the candidates where the beginning of a commit is not unique', async () => {
    const shas = [
      'fade00d000000000000000000000000000000001',
      'fade00d000000000000000000000000000000002',
    ]
    for (const one of shas) {
      await app.addRun({ repository: name, commit: one, project })
      await created({ commit_sha: one })
    }
    const error = refusal(await app.request('GET', `/v1/releases/${name}/${project}/fade00d`))
    expect(error).toMatchObject({ status: 409, code: 'resource_conflict' })
    const candidates = error.details?.candidates as { commit_sha: string }[]
    expect(candidates.map((candidate) => candidate.commit_sha)).toEqual(shas)
  })

  it('is 404 for what there is not, and for what is too short', async () => {
    for (const reference of ['nothing', '999999', '99999999999999', sha.slice(0, 6)]) {
      const answer = await app.request('GET', `/v1/releases/${name}/${project}/${reference}`)
      expect(refusal(answer), reference).toMatchObject({ status: 404, code: 'resource_not_found' })
    }
    const byId = await app.request('GET', `/v1/releases/${unknownId}`)
    expect(refusal(byId)).toMatchObject({ status: 404, code: 'resource_not_found' })
  })

  it('shows nothing of a repository out of scope', async () => {
    const token = await app.tokenFor(['viewer'], { repositories: ['mycompany/other'] })
    const named = await app.request('GET', `/v1/releases/${name}/${project}/${sha}`, { token })
    expect(refusal(named)).toMatchObject({ status: 403, code: 'authorization_failed' })
    const byId = await app.request('GET', `/v1/releases/${release.id}`, { token })
    expect(refusal(byId)).toMatchObject({ status: 404, code: 'resource_not_found' })
    const list = await app.request('GET', `/v1/releases/${name}/${project}`, { token })
    expect(refusal(list)).toMatchObject({ status: 403, code: 'authorization_failed' })
  })
})

describe('GET /v1/releases/{repo}/{project}', () => {
  const many = 'many'
  const shas = Array.from({ length: 5 }, (_, index) => `e${index}`.padEnd(40, '5'))

  beforeAll(async () => {
    for (const sha of shas) {
      await app.addRun({ repository: name, commit: sha, project: many })
      await created({ commit_sha: sha, project: many })
    }
  })

  const list = async (query: string): Promise<ListReleasesResponse> => {
    const answer = await app.request('GET', `/v1/releases/mycompany%2Fmyrepo/${many}${query}`)
    return answer.json()
  }

  it('answers every documented field, newest first', async () => {
    const page = await list('')
    expect(Value.Check(ListReleasesResponse, page)).toBe(true)
    expect(page).toMatchObject({ total: 5, limit: 20, offset: 0 })
    expect(page.releases.map((release) => release.release_number)).toEqual([5, 4, 3, 2, 1])
    expect(page.releases[0]).toEqual({
      id: expect.stringMatching(uuid) as string,
      commit_sha: shas[4],
      release_number: 5,
      created_at: expect.stringMatching(iso) as string,
      created_by: 'admin',
      trigger_type: 'manual',
      aliases: [{ alias: '5', alias_type: 'numeric' }],
    })
  })

  it('pages by limit and offset, also behind the end', async () => {
    const page = await list('?limit=2&offset=1')
    expect(page).toMatchObject({ total: 5, limit: 2, offset: 1 })
    expect(page.releases.map((release) => release.release_number)).toEqual([4, 3])
    expect((await list('?offset=4')).releases.map((one) => one.release_number)).toEqual([1])
    expect(await list('?offset=9007199254740991')).toMatchObject({ releases: [], total: 5 })
  })

  it('is empty for a project without releases', async () => {
    const answer = await app.request('GET', `/v1/releases/${name}/nothing`)
    expect(answer.json()).toEqual({ releases: [], total: 0, limit: 20, offset: 0 })
  })

  it.each(['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'other=1'])(
    'is 400 for ?%s',
    async (query) => {
      const answer = await app.request('GET', `/v1/releases/${name}/${many}?${query}`)
      expect(refusal(answer)).toMatchObject({ status: 400, code: 'invalid_request' })
    },
  )
})
