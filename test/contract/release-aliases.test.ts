// Names of releases: those of tags and branches, and those of one's own.
import { asDocumented } from '../support/assert-events.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  refusalOf as refusal,
  type ReleaseCalls,
  releaseCalls,
  repositoryName as name,
} from '../support/release-calls.ts'
import { createReleasesApp, type ReleasesApp } from '../support/releases-app.ts'

let app: ReleasesApp
let create: ReleaseCalls['create']
let created: ReleaseCalls['created']
let get: ReleaseCalls['get']

beforeAll(async () => {
  app = await createReleasesApp()
  ;({ create, created, get } = await releaseCalls(app))
})
afterAll(() => app.close())

describe('aliases', () => {
  const named = 'named'
  const shas = ['1', '2', '3'].map((digit) => `a1a5${digit}`.padEnd(40, '0'))
  const at = (release: string, alias: string, query = '') =>
    `/v1/releases/${name}/${named}/${release}/aliases/${alias}${query}`

  beforeAll(async () => {
    for (const [index, sha] of shas.entries()) {
      const run = { repository: name, commit: sha, project: named, branch: 'feature/x' }
      const on = [{ type: 'manual' }]
      const given = index === 1 ? { branch: 'refs/tags/named/v1.0.0' } : {}
      const id = await app.addRun({ ...run, ...given, config: { on } })
      await created({ commit_sha: sha, project: named, pipeline_run_id: id })
    }
  })

  it('come with the tag and the branch', async () => {
    expect((await get(`${name}/${named}/1`)).aliases).toEqual([
      { alias: 'feature-x-1', alias_type: 'branch' },
      { alias: '1', alias_type: 'numeric' },
    ])
    expect((await get(`${name}/${named}/v1.0.0`)).release_number).toBe(2)
  })

  it('of one’s own are set, again, and told', async () => {
    for (const _ of [1, 2]) {
      const answer = await app.request('PUT', at('1', 'stable'))
      expect(answer.statusCode).toBe(200)
      expect(answer.json()).toMatchObject({
        alias: 'stable',
        alias_type: 'custom',
        release_number: 1,
      })
    }
    const told = (await app.events()).filter(
      ({ data }) => (data as { alias?: string }).alias === 'stable',
    )
    expect(told).toHaveLength(1)
    const [{ event_type, data } = { event_type: '', data: {} }] = told
    const timestamp = new Date().toISOString()
    expect(asDocumented({ event_type, timestamp, data }).event_type).toBe('release.aliased')
  })

  it('move only when they are told to', async () => {
    await app.request('PUT', at('1', 'moving'))
    const stays = refusal(await app.request('PUT', at('2', 'moving')))
    expect(stays).toMatchObject({ status: 409, code: 'resource_conflict' })
    expect(stays.message).toContain('move=true')
    expect(stays.details).toMatchObject({ release_number: 1 })
    const moved = await app.request('PUT', at('2', 'moving', '?move=true'))
    expect(moved.json()).toMatchObject({ release_number: 2 })
    expect((await get(`${name}/${named}/moving`)).release_number).toBe(2)
    await app.request('DELETE', at('2', 'moving'))
    const told = (await app.events()).filter(
      ({ data }) => (data as { alias?: string }).alias === 'moving',
    )
    const timestamp = new Date().toISOString()
    const events = told.map(({ event_type, data }) => asDocumented({ event_type, timestamp, data }))
    expect(events).toMatchObject([
      { event_type: 'release.aliased', data: { release_number: 1 } },
      { event_type: 'release.unaliased', data: { release_number: 1 } },
      { event_type: 'release.aliased', data: { release_number: 2 } },
      { event_type: 'release.unaliased', data: { release_number: 2 } },
    ])
  })

  it('of tags and branches are neither moved nor deleted, nor is a number', async () => {
    for (const alias of ['v1.0.0', 'feature-x-1']) {
      const moved = refusal(await app.request('PUT', at('3', alias, '?move=true')))
      expect(moved).toMatchObject({ status: 409, code: 'resource_conflict' })
    }
    for (const [release, alias] of [
      ['2', 'v1.0.0'],
      ['1', 'feature-x-1'],
      ['1', '1'],
    ] as const) {
      const deleted = refusal(await app.request('DELETE', at(release, alias)))
      expect(deleted).toMatchObject({ status: 409, code: 'resource_conflict' })
    }
  })

  it('that read like a number or a commit are refused, and what is no name', async () => {
    for (const alias of ['42', 'a'.repeat(40), 'a%20b', '-x', 'x'.repeat(129), 'a%2Fb']) {
      const answer = await app.request('PUT', at('1', alias))
      expect(refusal(answer), alias).toMatchObject({ status: 400, code: 'invalid_request' })
    }
  })

  it('are deleted', async () => {
    await app.request('PUT', at('3', 'gone'))
    const foreign = refusal(await app.request('DELETE', at('1', 'gone')))
    expect(foreign).toMatchObject({ status: 404, code: 'resource_not_found' })
    expect((await app.request('DELETE', at('3', 'gone'))).statusCode).toBe(204)
    expect((await app.request('GET', `/v1/releases/${name}/${named}/gone`)).statusCode).toBe(404)
    const again = refusal(await app.request('DELETE', at('3', 'gone')))
    expect(again).toMatchObject({ status: 404, code: 'resource_not_found' })
  })

  it('need the right to give them', async () => {
    for (const token of [await app.tokenFor(['viewer']), await app.tokenFor(['service-account'])]) {
      for (const method of ['PUT', 'DELETE'] as const) {
        const answer = await app.request(method, at('1', 'mine'), { token })
        expect(refusal(answer)).toMatchObject({ status: 403, code: 'authorization_failed' })
      }
    }
    const developer = await app.tokenFor(['developer'])
    expect((await app.request('PUT', at('1', 'mine'), { token: developer })).statusCode).toBe(200)
  })

  it('keep a version for the commit that had it first', async () => {
    const sha = 'a1a5f'.padEnd(40, '0')
    const branch = 'refs/tags/named/v1.0.0'
    const run = await app.addRun({ repository: name, commit: sha, project: named, branch })
    const body = { commit_sha: sha, project: named, pipeline_run_id: run }
    const error = refusal(await create(body))
    expect(error).toMatchObject({ status: 409, details: { release_number: 2 } })
    expect((await app.request('GET', `/v1/releases/${name}/${named}`)).json().total).toBe(3)
  })
})
