/** zypper, of the SUSE family. */
import { ageOf, type Manager, words } from './manager.ts'
import { RPM_PROBE, rpmPackages } from './rpm.ts'

const PROBE = `${RPM_PROBE}probe_zypper() {
probe_rpm "$@" || return 0
echo '= available'
zypper -q -n --no-refresh search -s -x -t package -- "$@" 2>/dev/null
echo '= age'
c=/var/cache/zypp
s=$(find $c/solv -name solv ! -path '*/@System/*' 2>/dev/null)
[ "$s" ] || return 0
[ "$(find /etc/zypp/repos.d -newer $c/raw 2>/dev/null)" ] && return 0
echo $(($(date +%s) - $(stat -c %Y $c/raw)))
}
`

/** Exit codes from 100 on are messages, but for those which tell that something is wrong: zypper(8), "EXIT CODES". */
const PREPARE = `unset LC_ALL
export LC_MESSAGES=C ZYPP_LOCK_TIMEOUT=0
errors='^(Error|Problem|Package .* not found|No provider|ABORT|.*System management is locked)'
busy='System management is locked'
pm() {
run zypper -q -n "$@"
c=$?
case $c in 100 | 101 | 102 | 103 | 106) return 0 ;; *) return $c ;; esac
}
refresh() { pm refresh && touch /var/cache/zypp/raw; }
`

export const zypper: Manager = {
  probe: PROBE,
  read: (sections, names) => ({
    ...ageOf(sections.get('age')),
    packages: rpmPackages(sections.get('installed') ?? [], availableIn(sections.get('available') ?? []), names),
  }),
  prepare: PREPARE,
  refresh: 'refresh',
  install(packages, { downgrade, recommends }) {
    const options = [
      '--auto-agree-with-licenses',
      ...(downgrade ? ['--oldpackage'] : []),
      ...(recommends === undefined ? [] : [recommends ? '--recommends' : '--no-recommends']),
    ]
    const specs = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`))
    return `pm install ${words([...options, '--', ...specs])}`
  },
  remove: names => `pm remove -- ${words(names)}`,
}

/** The table of `search -s`: status, name, type, version, architecture, repository. What only the system has cannot be installed. */
const availableIn = (lines: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const rows = lines
    .map(line => line.split('|').map(cell => cell.trim()))
    .filter(row => row.length === 6 && row[2] === 'package' && row[5] !== '(System Packages)')
  return new Map(
    [...Map.groupBy(rows, ([, name]) => name ?? '')].map(([name, group]) => [name, group.map(row => row[3] ?? '')]),
  )
}
