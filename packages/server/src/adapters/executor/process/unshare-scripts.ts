import { insideUser } from './sandbox-view.ts'

/**
 * The launcher's scripts where there is no bubblewrap. They are constant: everything that differs
 * from one execution to the next comes as an argument, or through a pipe, and is never evaluated.
 */

/**
 * The first process of the pid namespace: builds the private root, goes into it, and stays to reap
 * orphans while the command runs. Descriptors: 3 the environment, 4 status, 5 gate.
 * Arguments: ROOT SKELETON FSTAB USER NETWORK UNSHARE SETPRIV RUN, pairs of (rw|ro PATH), --,
 * DIRECTORY COMMAND...; USER is `uid:gid` to be inside, or empty where there are no user namespaces.
 */
export const setupScript = `set -eu
root=$1 skeleton=$2 fstab=$3 user=$4 network=$5 unshare=$6 setpriv=$7 run=$8
shift 8
read -r pid rest </proc/self/stat
printf 'init %s\\n' "$pid" >&4
read -r go <&5
[ -z "$user" ] || printf 1 >/proc/sys/user/max_user_namespaces
mount -t tmpfs -o mode=0755,nosuid,nodev slipway "$root"
cp -RP "$skeleton/." "$root/"
mount --all --fstab "$fstab"
mkdir "$root${insideUser.home}"
while [ "$1" != -- ]; do
  mkdir -p "$root$2"
  mount --bind "$2" "$root$2"
  [ "$1" = rw ] || mount -o remount,bind,ro,nosuid,nodev "$root$2"
  shift 2
done
shift
mount -o remount,bind,ro,nosuid,nodev "$root"
if [ "$network" = none ] && command -v ip >/dev/null; then ip link set lo up; fi
cd "$root"
pivot_root . .
umount -l .
cd /
exec 6>&2 2>/dev/null
set +e
if [ -n "$user" ]; then
  (
    exec "$unshare" --user --map-user="\${user%:*}" --map-group="\${user#*:}" --keep-caps -- \\
      "$setpriv" --no-new-privs --ambient-caps=-all --inh-caps=-all --bounding-set=-all -- \\
      /bin/sh -c "$run" sh "$@"
  ) 2>&6 6>&-
else
  (
    exec "$setpriv" --no-new-privs --ambient-caps=-all --inh-caps=-all --bounding-set=-all -- \\
      /bin/sh -c "$run" sh "$@"
  ) 2>&6 6>&-
fi
exit $?
`

/**
 * Without any right left: takes on the environment and becomes the command. The environment comes as
 * a line with a name and a line with a value, in which a backslash is written as \\\\ and a line's end
 * as \\n. Arguments: DIRECTORY COMMAND...
 */
export const runScript = `cd "$1" || exit 126
shift
unset SLIPWAY_EXECUTION OLDPWD
while IFS= read -r slipway_name <&3 && IFS= read -r slipway_value <&3; do
  case $slipway_value in
    *\\\\*)
      slipway_value=$(printf '%b.' "$slipway_value")
      slipway_value=\${slipway_value%.} ;;
  esac
  export "$slipway_name=$slipway_value"
done
unset slipway_name slipway_value
printf 'started\\n' >&4
exec 3<&- 4>&- 5<&-
exec "$@"
`

/**
 * Joins the control group and becomes the launcher, so that all that follows is born in the group:
 * moving a process into one from outside takes the kernel 10 ms and more. Arguments: FILE... -- COMMAND...
 */
export const joinScript = `while [ "$1" != -- ]; do
  printf 0 >"$1" || exit 126
  shift
done
shift
exec "$@"
`

/** The input of `runScript`. */
export function encodeEnvironment(env: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(env).flatMap(([name, value]) => [
    name,
    value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'),
  ])
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

/** One line of an fstab, whose fields are separated by blanks. */
export function fstabLine(source: string, target: string, type: string, options: string): string {
  return `${escapeField(source)} ${escapeField(target)} ${type} ${options} 0 0\n`
}

function escapeField(field: string): string {
  return field.replaceAll(
    /[\s\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}
