/** systemd. Names may have a suffix, `backup.timer`; without one a service is meant. */
import type { Init } from './init.ts'

/**
 * A service which systemd starts again and again, because it ends at once, is `activating`, and does not run. Units which
 * have changed on disk are read before they are used. When something fails, its own last words in the journal tell why.
 */
export const systemd: Init = {
  library: `systemd_known() {
s=$(systemctl show -p LoadState -p ActiveState -p SubState -- "$1") || return 1
case $s in *LoadState=not-found*) return 1 ;; esac
}
systemd_running() {
systemd_known "$1"
case $s in
*SubState=auto-restart*) return 1 ;;
*ActiveState=active* | *ActiveState=reloading* | *ActiveState=activating* | *ActiveState=refreshing*) return 0 ;;
*) return 1 ;;
esac
}
systemd_enabled() {
case $(systemctl is-enabled -- "$1" 2>/dev/null) in
enabled | alias) echo yes ;;
static | indirect | generated | transient) echo static ;;
masked*) echo masked ;;
*) echo no ;;
esac
}
systemd_do() {
errors='^(Job|Failed|Unit|A dependency)'
a=$1
[ $a = reload ] && a=reload-or-restart
systemd_known "$2" && [ "$(systemctl show -p NeedDaemonReload -- "$2")" != NeedDaemonReload=yes ] || run systemctl daemon-reload
run systemctl $a -- "$2" && return
c=$?
case $a in enable | disable) ;; *) journalctl -q -n 12 --no-pager -o cat -u "$2" 2>/dev/null | grep -Ev "^($2|Start|Stop|Failed to start|.*[.]service: )" | tail -n 2 >&2 ;; esac
return $c
}
`,
}
