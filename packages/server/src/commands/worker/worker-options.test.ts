import { describe, expect, it } from 'vitest'
import { UsageError } from '../command.ts'
import { asSettings, readWorkerOptions } from './worker-options.ts'

describe('readWorkerOptions', () => {
  it('takes settings from the command line', () => {
    const options = readWorkerOptions(['--types', 'task,build', '--capacity=3'])
    expect(options).toEqual({ types: 'task,build', capacity: '3', unsupervised: false })
    expect(asSettings(options)).toEqual({
      SLIPWAY_WORKER_TYPES: 'task,build',
      SLIPWAY_WORKER_CAPACITY: '3',
    })
  })

  it('leaves to the environment what is not said', () => {
    const options = readWorkerOptions(['--unsupervised'])
    expect(options).toEqual({ unsupervised: true })
    expect(asSettings(options)).toEqual({})
  })

  it.each([[['--token', 'secret']], [['serve']], [['--types']]])('refuses %j', (args) => {
    expect(() => readWorkerOptions(args)).toThrow(UsageError)
  })
})
