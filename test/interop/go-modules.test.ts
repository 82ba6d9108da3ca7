import { describe } from 'vitest'
import { soundGoModule } from '../support/go-module.ts'

// What measures and what judges: each is compiled for these tests or the measurements anyway.
describe('the module bench/go', () => soundGoModule('bench/go', () => Promise.resolve({})))
describe('the module test/interop/go', () => soundGoModule('test/interop/go'))
