import type { BurstSource } from '../ports/burst.ts'

/** Makes one that is not open. */
export function createBurst(): BurstSource {
  let isOpen = false
  let tasks: (() => void)[] = []

  return {
    isOpen: () => isOpen,
    atEnd: (task) => void tasks.push(task),
    begin() {
      isOpen = true
    },
    end() {
      isOpen = false
      if (tasks.length === 0) return
      const all = tasks
      tasks = []
      for (const task of all) task()
    },
  }
}
