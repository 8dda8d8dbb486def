/** Running a program on the target which may start daemons, and telling what it complained of. */

/**
 * A shell function: `run COMMAND...` keeps what the command prints in `$o` and returns its exit code. When that is not 0, the
 * lines which match `$errors`, else the last ones, go to standard error. It tries again while the output matches `$busy`,
 * for up to `$wait` seconds. The output goes to a file without a name, because a daemon which the command starts may keep its
 * standard output open for ever: a pipe would then never end.
 */
export const RUN = `run() {
until=$(($(date +%s) + \${wait:-0}))
while :; do
f=$(mktemp) && exec 4>"$f" 5<"$f" && rm -f "$f" || return 1
"$@" >&4 2>&1 4>&- 5<&-
c=$?
o=$(cat <&5)
exec 4>&- 5<&-
[ $c -eq 0 ] && return 0
[ "\${busy:-}" ] && printf '%s\\n' "$o" | grep -Eqi "$busy" && [ $(date +%s) -lt $until ] || break
sleep 1
done
printf '%s\\n' "$o" | grep -E "\${errors:-^\\$.}" >&2 || printf '%s\\n' "$o" | tail -n 3 >&2
return $c
}
`
