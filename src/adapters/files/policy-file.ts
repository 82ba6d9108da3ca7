import { readFile } from 'node:fs/promises'

/** A file that is followed as it changes. */
export interface FollowedFile {
  readonly close: () => void
}

/** How long to wait between two looks at the file, in ms. */
const lookEveryMs = 500

/**
 * Calls `onChange` with the new text once the content differs from what was in use and two looks
 * in a row agree on it: a file that is just being written is not taken half. The content is read and
 * compared: editors replace files, and Kubernetes swaps symbolic links of folders, which watches by
 * name or by inode miss.
 */
export function followPolicyFile(options: {
  readonly file: string
  readonly text: string
  readonly onChange: (text: string) => void
  readonly onUnreadable: (cause: unknown) => void
}): FollowedFile {
  let used: string | undefined = options.text
  let last: string | undefined = options.text
  let closed = false
  let timer = setTimeout(() => void look(), lookEveryMs).unref()

  async function look(): Promise<void> {
    let text: string | undefined
    try {
      text = await readFile(options.file, 'utf8')
    } catch (cause) {
      if (used !== undefined && !closed) options.onUnreadable(cause)
      used = undefined // what is readable again is taken again, also where it is the same
    }
    if (text !== undefined && text === last && text !== used && !closed) {
      used = text
      options.onChange(text)
    }
    last = text
    // The next look begins after this one has ended: a file system that hangs costs one read.
    if (!closed) timer = setTimeout(() => void look(), lookEveryMs).unref()
  }
  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
