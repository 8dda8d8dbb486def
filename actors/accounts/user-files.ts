/** Scripts which run as a user of the target, so that root needs not trust what lies in the user's home. */
import { quote } from '../../src/base/quote.ts'
import { withLibrary } from '../../src/converge/batch-script.ts'

/**
 * `find_user NAME`: sets user, uid, gid and STOKER_HOME. `as_user SCRIPT`: runs it as that user; setpriv leaves no traces in
 * logs, su is what busybox has.
 */
const LIBRARY = `find_user() {
if command -v getent >/dev/null; then e=$(getent passwd "$1")
else e=$(while IFS= read -r l; do case $l in "$1":*) printf "%s\\n" "$l"; break;; esac; done </etc/passwd)
fi
[ -n "$e" ] || return 1
set -f; IFS=:; set -- $e; unset IFS; set +f
user=$1 uid=$3 gid=$4 STOKER_HOME=$6; export STOKER_HOME
}
as_user() {
cd / || return
if [ "$(id -u)" = "$uid" ]; then /bin/sh -c "$1"
elif [ "$(id -u)" != 0 ]; then echo "only $user and root may do this; log in as root" >&2; return 1
elif setpriv --help 2>/dev/null | grep -q -e --reuid; then setpriv "--reuid=$uid" "--regid=$gid" --init-groups /bin/sh -c "$1"
else su -s /bin/sh "$user" -c "$1"
fi
}`

/**
 * A script for the target: as root or the user in question, with the functions `find_user NAME` (sets `user`, `uid`, `gid`,
 * `STOKER_HOME`; false when there is none) and `as_user SCRIPT`.
 */
export const userScript = (script: string): string => withLibrary(LIBRARY, script)

/** A script which is run as the user, in the home. Fails when there is no such user. */
export const inHome = (user: string, script: string, input = ''): string =>
  userScript(
    `find_user ${quote(user)} || { echo ${quote(`there is no user ${user}`)} >&2; exit 1; }\n` +
      `${input}as_user ${quote(`cd "$STOKER_HOME" || exit; ${script}`)}`,
  )
