import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/*
 * Kills what we started once our end of the pipe closes, however we ended: an exit handler would
 * not run on SIGKILL or on an unhandled signal. SIGINT is a fast, clean stop for all four servers.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
while read -r op pid; do
  case $op in
    +) pids="$pids$pid " ;;
    -) case "$pids" in *" $pid "*) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac ;;
  esac
done
each() { for pid in $pids; do kill "$1" "$pid" 2>/dev/null && left=1; done; }
each -INT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left=0
  each -0
  [ $left = 0 ] && exit 0
  sleep 0.1
done
each -KILL
`

let pipe: Writable | undefined

function openPipe(): Writable {
  const reaper = spawn('/bin/sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  reaper.on('error', () => undefined) // without /bin/sh there is no safety net, and no harm
  reaper.unref()
  const { stdin } = reaper
  stdin.on('error', () => undefined)
  // A pipe of a child process is a socket, which alone would keep this process alive.
  if (stdin instanceof Socket) stdin.unref()
  return stdin
}

/** Has `pid` killed when this process ends, in whatever way. */
export function killAtExit(pid: number): void {
  pipe ??= openPipe()
  pipe.write(`+ ${pid}\n`)
}

/** Takes back `killAtExit`: the process is gone and its id may be given to another. */
export function forgetAtExit(pid: number): void {
  pipe?.write(`- ${pid}\n`)
}
