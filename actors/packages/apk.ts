/** apk, of Alpine. */
import { ageOf, type Catalogue, type KnownPackage, type Manager, words } from './manager.ts'
import { compareVersions } from './versions.ts'

const PROBE = `probe_apk() {
echo '= installed'
apk info -v 2>/dev/null
[ "$need" != never ] || return 0
echo '= provided'
missing=
for n; do if apk info -e -- "$n" >/dev/null 2>&1; then printf '%s\\n' "$n"; else missing=1; fi; done
[ "$need" = always ] || [ "$missing" ] || return 0
echo '= policy'
apk policy -- "$@" 2>/dev/null
echo '= upgradable'
apk list -u -- "$@" 2>/dev/null
echo '= age'
l=$(ls -t /var/cache/apk/APKINDEX.* /etc/apk/cache/APKINDEX.* 2>/dev/null | head -n 1)
[ "$l" ] || return 0
[ "$(find /etc/apk/repositories -newer "$l" 2>/dev/null)" ] && return 0
echo $(($(date +%s) - $(stat -c %Y "$l")))
}
`

const PREPARE = `errors='^(ERROR|  [^ ].*:$)'
busy='unable to lock database'
pm() { run apk -q --no-progress "$@"; }
refresh() { pm update && touch -c /var/cache/apk/APKINDEX.* /etc/apk/cache/APKINDEX.*; }
`

export const apk: Manager = {
  probe: PROBE,
  read(sections, names): Catalogue {
    const installed = new Map((sections.get('installed') ?? []).flatMap(line => pairOf(line)))
    const upgradable = new Map(
      (sections.get('upgradable') ?? []).flatMap(line => (line.includes('[upgradable') ? pairOf(line) : [])),
    )
    const provided = new Set(sections.get('provided'))
    const policies = readPolicies(sections.get('policy') ?? [])
    const packages = new Map<string, KnownPackage>()
    for (const name of names) {
      const version = installed.get(name)
      const available = policies.get(name)
      if (version === undefined && available === undefined && !provided.has(name)) continue
      const upgrade = upgradable.get(name)
      packages.set(name, {
        ...(version !== undefined && { installed: version }),
        ...(version === undefined && provided.has(name) && { provided: true }),
        available: available ?? [],
        ...(upgrade !== undefined && { upgrade }),
      })
    }
    return { ...ageOf(sections.get('age')), packages }
  },
  prepare: PREPARE,
  refresh: 'refresh',
  install(packages, _options) {
    const specs = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`))
    // -u: what is installed already is brought to its newest version, and nothing else.
    return `pm add -u ${words(specs)}`
  },
  remove: (names, purge) => `pm ${purge ? '--purge ' : ''}del ${words(names)}`,
}

/** `nginx-1.24.0-r7`, perhaps with more behind it, as name and version. */
const pairOf = (line: string): [string, string][] => {
  const [, name, version] = /^(\S+)-([^-\s]+-r\d+)(?=\s|$)/.exec(line) ?? []
  return name === undefined || version === undefined ? [] : [[name, version]]
}

/** What apk policy prints: versions which a repository has, the newest first. One with a tag, `@edge`, is not taken by itself. */
const readPolicies = (lines: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const policies = new Map<string, Set<string>>()
  let versions = new Set<string>()
  let version = ''
  for (const line of lines) {
    const [, name] = /^(\S+) policy:$/.exec(line) ?? []
    if (name !== undefined) {
      versions = new Set()
      policies.set(name, versions)
    }
    version = /^ {2}(\S+):$/.exec(line)?.[1] ?? version
    if (/^ {4}[^\s@]/.test(line) && !line.endsWith('apk/db/installed')) versions.add(version)
  }
  // `1.2_rc1` comes before `1.2`.
  const key = (text: string) => text.replace(/_(?=alpha|beta|pre|rc)/, '~')
  return new Map(
    [...policies].map(([name, found]) => [name, [...found].sort((a, b) => compareVersions(key(b), key(a)))]),
  )
}
