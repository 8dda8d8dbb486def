/** OpenRC, of Alpine and Gentoo. */
import type { Init } from './init.ts'

/**
 * Exit codes of `status`: 0 started, 3 stopped, 4 stopping, 8 starting, 16 inactive, 32 crashed. OpenRC takes a crashed
 * service for a started one, which only a restart brings back. Scripts of SysV are services, too. A service is enabled when it is in any runlevel; it is added to
 * `default`.
 */
export const openrc: Init = {
  library: `openrc_known() { rc-service -e "$1" >/dev/null 2>&1; }
openrc_running() {
rc-service "$1" status >/dev/null 2>&1
case $? in 0 | 8 | 16) return 0 ;; *) return 1 ;; esac
}
openrc_enabled() {
for l in /etc/runlevels/*/"$1"; do [ -e "$l" ] || [ -L "$l" ] && echo yes && return; done
echo no
}
openrc_do() {
case $1 in
enable) run rc-update -q add "$2" default ;;
disable)
for l in /etc/runlevels/*/"$2"; do
[ -e "$l" ] || [ -L "$l" ] || continue
l=\${l%/*}
run rc-update -q del "$2" "\${l##*/}" || return
done ;;
start)
rc-service "$2" status >/dev/null 2>&1
[ $? -eq 32 ] && set -- restart "$2"
run rc-service "$2" $1 && settled openrc_running "$2" ;;
reload)
openrc_running "$2" || set -- start "$2"
sysv_has "$2" reload || grep -Eq 'extra(_started)?_commands=.*reload' "/etc/init.d/$2" || set -- restart "$2"
run rc-service "$2" $1 ;;
restart) run rc-service "$2" restart && settled openrc_running "$2" ;;
*) run rc-service "$2" $1 ;;
esac
}
`,
}
