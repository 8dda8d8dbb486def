/**
 * How services are reloaded and restarted, with systemd and without. What is not running stays so: somebody may have stopped it for a reason,
 * and it reads its files when it starts. Pure.
 */

/** Restarts a service which runs: `$1` is its name, `$2` what is to be done. */
const SERVICE = `
if [ -d /run/systemd/system ]; then
  if systemctl --quiet is-active "$1"; then exec systemctl "$2" "$1"; fi
elif [ -x "/etc/init.d/$1" ]; then
  if "/etc/init.d/$1" status >/dev/null 2>&1; then exec "/etc/init.d/$1" "$2"; fi
else
  echo "there is no service $1 here: neither systemd nor /etc/init.d/$1" >&2
  exit 5
fi
echo "$1 is not running: it reads its files when it starts"
`

/** The words which restart a service, by the name of its unit or init script, if it runs. */
export const restartService = (name: string): readonly string[] => ['sh', '-c', SERVICE, 'stoker', name, 'restart']

/** Sends a signal to the process of a file, if that is still the program which is meant. */
const SIGNAL = `
if [ -r "$1" ] && read -r pid < "$1" && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ]; then
  kill -s HUP "$pid"
else
  echo "$2 is not running, by $1: it reads its files when it starts"
fi
`

/** The words which send SIGHUP to a program by its pid file, if it runs. */
export const hangUp = (program: string, pidFile: string): readonly string[] => [
  ...['sh', '-c', SIGNAL, 'stoker', pidFile, program],
]

/** The words which run a control program, `rndc reload`, once the daemon of the pid file runs. */
const CONTROL = `
pid_file=$1 program=$2
shift 2
if [ -r "$pid_file" ] && read -r pid < "$pid_file" && [ -d "/proc/$pid" ]; then exec "$@"; fi
echo "$program is not running, by $pid_file: it reads its files when it starts"
`

export const control = (program: string, pidFile: string, words: readonly string[]): readonly string[] => [
  ...['sh', '-c', CONTROL, 'stoker', pidFile, program, ...words],
]
