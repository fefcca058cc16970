import { unsetClusterVariables } from '../../../kubernetes/index.ts'

/** Path of a pipe in the container, removed before the command runs. */
const pipe = '/tmp/.slipway'

/**
 * What a step's container runs: `sh -c <script> sh <flow file> <window> <command…>`, as the first process of
 * a namespace of its own, so that nothing outlives it. The command gets stdout and stderr as one pipe; it runs
 * in front, because shells let what is behind ignore signals that it should not.
 *
 * Behind the pipe a loop hands the output on to the container's log, but never more than `window` bytes
 * beyond what the flow file says was taken: a node keeps little of a log, and what nobody has read of it when
 * it is rotated is lost. It needs `dd`, `tee`, `wc`, `sleep` and
 * `mkfifo`; without them the command writes to the log itself. When
 * the command has ended, what it left behind is killed before the rest of the pipe is read; of what forks
 * faster than it is killed, only the end of the container remains to be waited for.
 *
 * Nothing is assigned before the command runs: a variable of that name would be its own.
 */
const template = String.raw`exec </dev/null
pump() {
  trap '' TERM INT QUIT HUP
  exec 3>&1 6>&- 2>/dev/null
  sent=0 taken=0 file=$1 window=$2
  while :; do
    set -- $({ dd bs=16384 count=64 <&5 | tee /dev/fd/4 >&3; } 4>&1 | wc -c)
    [ "$1" -gt 0 ] || break
    sent=$((sent + $1))
    while [ $((sent - taken)) -gt "$window" ]; do
      read -r taken <"$file"
      case $taken in
        '' | *[!0-9]*) taken=$sent ;;
      esac
      [ $((sent - taken)) -le "$window" ] || sleep 0.05 || sleep 1
    done
  done
}
spared() {
  at=$1
  while [ "$at" -gt 1 ]; do
    [ "$at" = "$2" ] && return 0
    while read -r key value; do
      case $key$value in
        State:Z*) return 0 ;;
        PPid:*) break ;;
      esac
    done <"/proc/$at/status" || return 1
    at=$value
  done
  return 1
}
{ command -v dd && command -v tee && command -v wc && command -v sleep && mkfifo -m 600 PIPE; } >/dev/null 2>&1 || {
  shift 2
  exec 2>/dev/null
  ( exec "$@" ) 2>&1
  exit $?
}
exec 4<>PIPE 5<PIPE 6>PIPE 4>&-
rm -f PIPE
pump "$1" "$2" &
shift 2
exec 5<&- 2>/dev/null
( exec "$@" ) >&6 2>&1 6>&-
set -- $? 20
while [ "$2" -gt 0 ]; do
  set -- "$1" $(($2 - 1))
  for found in /proc/[0-9]*; do
    found=${'$'}{found#/proc/}
    [ "$found" = 1 ] || spared "$found" $! || { kill -KILL "$found" && set -- "$1" "$2" again; }
  done
  [ $# -gt 2 ] || break
done
exec 6>&-
wait $!
exit "$1"`

/** The script for a command with this environment: what the cluster adds to it is taken away. */
export function stepScript(env: Readonly<Record<string, string>>): string {
  return unsetClusterVariables(env) + template.replaceAll('PIPE', pipe)
}
