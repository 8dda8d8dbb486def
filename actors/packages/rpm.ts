/** What dnf and zypper have in common: rpm knows what is installed. */
import type { Catalogue, KnownPackage } from './manager.ts'
import { compareVersions } from './versions.ts'

/** A function `probe_rpm` for the names, which sets `$missing`. A name may be that of a package, or of something it provides. */
export const RPM_PROBE = `probe_rpm() {
echo '= installed'
missing=
f='%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n'
for n; do
if v=$(rpm -q --qf "$f" -- "$n" 2>/dev/null); then printf '%s|installed|%s\\n' "$n" "$(printf '%s\\n' "$v" | tail -n 1)"
elif rpm -q --whatprovides -- "$n" >/dev/null 2>&1; then printf '%s|provided|\\n' "$n"
else missing=1
fi
done
[ "$need" = always ] || { [ "$need" = missing ] && [ "$missing" ]; }
}
`

/** What is installed, and what could be, put together. `available` holds versions in any order. */
export const rpmPackages = (
  installed: readonly string[],
  available: ReadonlyMap<string, readonly string[]>,
  names: readonly string[],
): Catalogue['packages'] => {
  const rows = installed.map(line => line.split('|'))
  return new Map(
    names.flatMap((name): [string, KnownPackage][] => {
      const [, kind, version] = rows.find(([first]) => first === name) ?? []
      const versions = available.get(name)?.toSorted((a, b) => compareVersions(b, a)) ?? []
      const [newest] = versions
      if (kind === undefined && newest === undefined) return []
      const isOld = kind === 'installed' && version !== undefined && newest !== undefined
      return [
        [
          name,
          {
            ...(kind === 'installed' && version !== undefined && { installed: version }),
            ...(kind === 'provided' && { provided: true }),
            available: versions,
            ...(isOld && compareVersions(newest, version) > 0 && { upgrade: newest }),
          },
        ],
      ]
    }),
  )
}
