/** Scripts in /etc/init.d: Linux Standard Base 5.0, "Init Script Actions". */
import type { Init } from './init.ts'

/**
 * `status` is asked where the script has it: 0 is running, 1 to 3 is not. A script without it, or which does not know, is
 * asked no more: then a pid file of its name counts, or a program of its name (`$process`).
 *
 * Scripts say that all went well, while the daemon may still be on its way; and some say so when it died at once. So the
 * service's state is awaited. A script which cannot reload is restarted.
 */
export const sysv: Init = {
  library: `sysv_has() { grep -Eq "(^|[[:space:]|(\\"'])$2[\\"']?[[:space:]]*[|)]" "/etc/init.d/$1"; }
sysv_script() {
if command -v service >/dev/null 2>&1; then service "$1" "$2" </dev/null
else (cd / && env -i PATH="$PATH" TERM=dumb "/etc/init.d/$1" "$2" </dev/null)
fi
}
sysv_known() { [ -x "/etc/init.d/$1" ]; }
sysv_running() {
if sysv_has "$1" status || grep -q init-d-script "/etc/init.d/$1"; then
sysv_script "$1" status >/dev/null 2>&1
case $? in 0) return 0 ;; 1 | 2 | 3) return 1 ;; esac
fi
for f in "/run/$1.pid" "/run/$1/$1.pid" "/var/run/$1.pid"; do
[ -s "$f" ] && read -r p <"$f" && [ -d "/proc/\${p:-none}" ] && return 0
done
pidof -x "\${process:-$1}" >/dev/null 2>&1
}
sysv_enabled() {
for l in /etc/rc[S2345].d/S[0-9][0-9]"$1"; do [ -L "$l" ] || [ -e "$l" ] && echo yes && return; done
echo no
}
sysv_do() {
case $1 in
start) run sysv_script "$2" start && settled sysv_running "$2" ;;
stop) run sysv_script "$2" stop && settled ! sysv_running "$2" ;;
restart) run sysv_script "$2" restart && settled sysv_running "$2" ;;
reload)
if ! sysv_running "$2"; then sysv_do start "$2"
elif sysv_has "$2" reload; then run sysv_script "$2" reload
else sysv_do restart "$2"
fi ;;
enable)
if command -v update-rc.d >/dev/null 2>&1; then run update-rc.d "$2" defaults && run update-rc.d "$2" enable
elif command -v chkconfig >/dev/null 2>&1; then run chkconfig --add "$2" && run chkconfig "$2" on
else for n in 2 3 4 5; do rm -f "/etc/rc$n.d/"K[0-9][0-9]"$2" && ln -sf "../init.d/$2" "/etc/rc$n.d/S20$2" || return; done
fi ;;
disable)
if command -v update-rc.d >/dev/null 2>&1; then run update-rc.d "$2" disable
elif command -v chkconfig >/dev/null 2>&1; then run chkconfig "$2" off
else rm -f "/etc/rc"[S2345]".d/S"[0-9][0-9]"$2"
fi ;;
esac
}
`,
}
