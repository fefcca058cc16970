import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrice } from '../src/format.js'

test('a price has two digits', () => assert.equal(formatPrice(5.3), '€5.30'))
test('nothing is free', () => assert.equal(formatPrice(0), 'free'))
