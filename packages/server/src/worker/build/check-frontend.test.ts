import { describe, expect, it } from 'vitest'
import { requireDockersFrontend } from './check-frontend.ts'

describe('requireDockersFrontend', () => {
  it.each([
    ['FROM scratch', {}],
    ['# syntax=docker/dockerfile:1\nFROM scratch', {}],
    ['# syntax = docker.io/docker/dockerfile-upstream:master-labs\nFROM scratch', {}],
    ['FROM scratch\n# syntax=evil/frontend', {}],
    ['FROM scratch', { BUILDKIT_SYNTAX: 'docker/dockerfile@sha256:00' }],
  ])('takes %j with %j', (dockerfile, args) => {
    expect(() => requireDockersFrontend(dockerfile, args)).not.toThrow()
  })

  it.each([
    ['# syntax=evil/frontend\nFROM scratch', {}],
    ['\uFEFF#SYNTAX=evil/frontend\nFROM scratch', {}],
    ['#!/usr/bin/env x\n# escape=`\n# syntax=evil/frontend', {}],
    ['// syntax=evil/frontend\nFROM scratch', {}],
    ['{"syntax": "evil/frontend"}', {}],
    ['# syntax=docker/dockerfile-evil\nFROM scratch', {}],
    ['# syntax=evil.test/docker/dockerfile:1\nFROM scratch', {}],
    ['# syntax=docker/dockerfile:1\nFROM scratch', { BUILDKIT_SYNTAX: 'evil/frontend' }],
  ])('refuses %j with %j', (dockerfile, args) => {
    expect(() => requireDockersFrontend(dockerfile, args)).toThrow('builds have no network here')
  })
})
