import { expect, it } from 'vitest'
import { createDropAlarm } from '../../src/application/drop-alarm.ts'

it('an alarm tells once that lines are lost, and once how many when it was quiet for a while', () => {
  const told: unknown[] = []
  let nowMs = 0
  const alarm = createDropAlarm({
    monotonicNow: () => nowMs,
    onBegin: () => told.push('begun'),
    onEnd: (lines) => told.push(lines),
  })
  alarm.taken()
  expect(told).toEqual([])
  for (let round = 0; round < 3; round += 1) {
    alarm.dropped()
    alarm.taken() // a full queue takes one now and then
    nowMs += 4_999
    alarm.taken()
  }
  expect(told).toEqual(['begun'])
  nowMs += 1
  alarm.taken()
  alarm.taken()
  expect(told).toEqual(['begun', 3])
  alarm.dropped(5)
  expect(told).toEqual(['begun', 3, 'begun'])
  nowMs += 5_000
  alarm.taken()
  expect([told.at(-1), alarm.total()]).toEqual([5, 8])
})
