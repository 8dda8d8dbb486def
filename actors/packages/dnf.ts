/** dnf, of Fedora and the Red Hat family; version 4 and 5. */
import { ageOf, type Manager, words } from './manager.ts'
import { RPM_PROBE, rpmPackages } from './rpm.ts'

/** `-C`: from the cache only, since a probe changes nothing. The age is that of the lists, which a refresh touches. */
const PROBE = `${RPM_PROBE}probe_dnf() {
probe_rpm "$@" || return 0
echo '= available'
dnf -q -C repoquery --qf '%{name}|%{evr}\\n' -- "$@" 2>/dev/null
echo '= age'
l=$(find /var/cache/dnf /var/cache/libdnf5 -name '*primary.xml*' -exec stat -c '%Y %n' {} + 2>/dev/null | sort -n | tail -n 1)
[ "$l" ] || return 0
[ "$(find /etc/yum.repos.d /etc/dnf/dnf.conf -newer "\${l#* }" 2>/dev/null)" ] && return 0
echo $(($(date +%s) - \${l%% *}))
}
`

const PREPARE = `unset LC_ALL
export LC_MESSAGES=C
errors='^(Error|No match|No package|Failed| ?Problem)'
busy='waiting for process|(transaction|metadata|download|database) lock|is locked'
pm() { run dnf -q -y --setopt=exit_on_lock=1 "$@"; }
refresh() { pm makecache --refresh; }
`

export const dnf: Manager = {
  probe: PROBE,
  read: (sections, names) => ({
    ...ageOf(sections.get('age')),
    packages: rpmPackages(sections.get('installed') ?? [], availableIn(sections.get('available') ?? []), names),
  }),
  prepare: PREPARE,
  refresh: 'refresh',
  install(packages, { recommends }) {
    const weak = recommends === undefined ? [] : [`--setopt=install_weak_deps=${recommends ? 'True' : 'False'}`]
    // `NAME-VERSION-RELEASE`; an epoch stands before the version. An older version than the installed one is taken, too.
    const specs = packages.map(({ name, version }) => (version === undefined ? name : `${name}-${version}`))
    // best: a package which is there already is brought to its newest version.
    return `pm ${words([...weak, '--setopt=best=True', 'install', '--', ...specs])}`
  },
  // The settings of a package go with it, but for those which were changed: rpm keeps them as .rpmsave.
  remove: names => `pm remove -- ${words(names)}`,
}

const availableIn = (lines: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const rows = lines.map(line => line.split('|')).filter(row => row.length === 2)
  return new Map(
    [...Map.groupBy(rows, ([name]) => name ?? '')].map(([name, group]) => [
      name,
      group.map(([, version]) => version ?? ''),
    ]),
  )
}
