/** Debian's apt and dpkg. */
import { ageOf, type Catalogue, type KnownPackage, type Manager, words } from './manager.ts'

/**
 * The lists keep their server's time stamps, so the folders tell when they were refreshed. dpkg-query prints nothing for a
 * name it does not know, and fails; that is no failure here. A probe changes nothing: apt keeps its cache to itself.
 */
const PROBE = `probe_apt() {
echo '= installed'
i=$(dpkg-query -W -f='\${Package}|\${db:Status-Status}|\${Version}|\${Architecture}|\${db:Status-Want}\\n' -- "$@" 2>/dev/null)
printf '%s\\n' "$i"
[ "$need" != never ] || return 0
missing=
for n; do case "
$i" in *"
$n|installed|"*) ;; *) missing=1 ;; esac; done
[ "$need" = always ] || [ "$missing" ] || return 0
echo '= provides'
dpkg-query -W -f='\${db:Status-Status}|\${Provides}\\n' | sed -n 's/^installed|\\(.\\)/\\1/p'
echo '= policy'
apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy -- "$@" 2>/dev/null
echo '= age'
l=/var/lib/apt/lists
ls $l/*Packages* >/dev/null 2>&1 || return 0
[ "$(find /etc/apt/sources.list /etc/apt/sources.list.d -newer $l -newer $l/partial 2>/dev/null)" ] && return 0
t=$(stat -c %Y $l $l/partial /var/lib/apt/periodic/update-success-stamp 2>/dev/null | sort -n | tail -n 1)
echo $(($(date +%s) - t))
}
`

/**
 * Nobody is there to be asked: settings which were changed by hand stay as they are. What dpkg left half done, because it was
 * killed, comes first: apt refuses to begin, or fails again and again, as long as something has to be configured or unpacked
 * anew. Where that cannot be mended, what is asked for fails too, and says why.
 */
const PREPARE = `unset LC_ALL
export LC_MESSAGES=C DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l
errors='^(E:|dpkg: error)'
busy='could not get lock|unable to (acquire|lock)|(is|was) locked by another'
pm() { run apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=$wait -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"; }
refresh() { pm update && touch /var/lib/apt/lists; }
if [ "$(ls -A /var/lib/dpkg/updates 2>/dev/null)$(dpkg --audit 2>/dev/null)" ]; then
run dpkg --force-confdef --force-confold --configure -a
r=$(dpkg-query -W -f='\${db:Status-Eflag} \${binary:Package}\n' | sed -n 's/^reinstreq //p')
[ "$r" ] && pm install --reinstall -- $r
fi 2>/dev/null
install() {
pm install "$@" && return
case $o in *'ailed to fetch'* | *'nable to fetch'*) refresh && pm install "$@" ;; *) false ;; esac
}
`

export const apt: Manager = {
  probe: PROBE,
  read(sections, names): Catalogue {
    const packages = new Map<string, KnownPackage>()
    const policies = readPolicies(sections.get('policy') ?? [])
    const provided = new Set(
      (sections.get('provides') ?? []).flatMap(line => line.split(',').map(one => one.trim().split(/[ :]/)[0])),
    )
    const rows = (sections.get('installed') ?? []).map(line => line.split('|'))
    for (const name of names) {
      const row = rows.find(([short, , , architecture]) => name === short || name === `${short}:${architecture}`)
      const [, status, version, , want] = row ?? []
      const policy = policies.get(name)
      const isInstalled = status === 'installed'
      if (!row && !policy && !provided.has(name)) continue
      const candidate = policy?.candidate
      packages.set(name, {
        ...(isInstalled && version !== undefined && { installed: version }),
        ...(status === 'config-files' && { leftovers: true }),
        ...(want === 'hold' && { held: true }),
        ...(!isInstalled && provided.has(name) && { provided: true }),
        available: candidateFirst(policy),
        ...(isInstalled && candidate !== undefined && candidate !== version && { upgrade: candidate }),
      })
    }
    return { ...ageOf(sections.get('age')), packages }
  },
  prepare: PREPARE,
  refresh: 'refresh',
  install(packages, { downgrade, recommends }) {
    const options = [
      ...(downgrade ? ['--allow-downgrades'] : []),
      ...(recommends === undefined ? [] : [recommends ? '--install-recommends' : '--no-install-recommends']),
    ]
    const specs = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`))
    return `install ${words([...options, '--', ...specs])}`
  },
  remove: (names, purge) => `pm ${purge ? 'purge' : 'remove'} -- ${words(names)}`,
}

interface Policy {
  candidate?: string
  readonly versions: string[]
}

/** What apt-cache policy prints, by name. Names which have never been heard of are not in it. */
const readPolicies = (lines: readonly string[]): ReadonlyMap<string, Policy> => {
  const policies = new Map<string, Policy>()
  let current: Policy | undefined
  for (const line of lines) {
    const [, name] = /^(\S+):$/.exec(line) ?? []
    if (name !== undefined) {
      current = { versions: [] }
      policies.set(name, current)
    }
    const [, candidate] = /^ {2}Candidate: (\S+)$/.exec(line) ?? []
    if (current && candidate !== undefined && candidate !== '(none)') current.candidate = candidate
    const [, version] = /^(?: {5}| \*\*\* )(\S+) -?\d+/.exec(line) ?? []
    if (current && version !== undefined) current.versions.push(version)
  }
  return policies
}

/** What apt would take stands first, also where pinning makes that an older one. */
const candidateFirst = (policy: Policy | undefined): readonly string[] => {
  if (!policy) return []
  const { candidate, versions } = policy
  return candidate === undefined ? versions : [candidate, ...versions.filter(version => version !== candidate)]
}
