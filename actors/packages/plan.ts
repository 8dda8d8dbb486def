/** Which packages are to be installed, upgraded or removed, given what there is. Pure. */
import type { Change, Plan } from '../../src/converge/convergent.ts'
import { RUN } from '../common/run.ts'
import type { Catalogue, DesiredPackage, KnownPackage, Manager } from './manager.ts'
import { isVersion } from './versions.ts'

export interface DesiredPackages {
  readonly packages: readonly DesiredPackage[]
  readonly state: 'installed' | 'latest' | 'absent'
  readonly purge: boolean
  readonly recommends: boolean | undefined
  /** Seconds which the index may be old when something is to be installed. */
  readonly maxAge: number
  /** Seconds to wait for another program which works with the packages. */
  readonly wait: number
}

/** One transaction for all packages, after a refresh of the index where it is wanted. */
export const planPackages = (desired: DesiredPackages, catalogue: Catalogue, manager: Manager): Plan => {
  const script = (line: string) => `${RUN}wait=${desired.wait}\n${manager.prepare}${line}\n`
  const change = (what: string, line: string): Change => ({ what, steps: [{ kind: 'run', script: script(line) }] })
  if (desired.state === 'absent') {
    const gone = desired.packages.flatMap(({ name }) => {
      const known = catalogue.packages.get(name)
      if (known?.installed !== undefined) return [{ name, what: 'remove' }]
      return desired.purge && known?.leftovers ? [{ name, what: 'purge' }] : []
    })
    if (gone.length === 0) return { kind: 'converged' }
    const names = gone.map(({ name }) => name)
    const verb = gone.some(({ what }) => what === 'remove') ? 'remove' : 'purge what is left of'
    return { kind: 'change', changes: [change(`${verb} ${names.join(', ')}`, manager.remove(names, desired.purge))] }
  }

  const { state } = desired
  const wanted = desired.packages.flatMap(one => missing(one, catalogue.packages.get(one.name), state))
  const isStale = catalogue.age === undefined || catalogue.age > desired.maxAge
  if (wanted.length === 0) {
    if (desired.state !== 'latest' || !isStale) return { kind: 'converged' }
    const line = manager.install(desired.packages, { downgrade: false, recommends: desired.recommends })
    const names = desired.packages.map(({ name }) => name).join(', ')
    const what = `refresh the index of packages (${ageText(catalogue)}), and upgrade ${names} where it has something newer`
    return { kind: 'change', changes: [change(what, `${manager.refresh} && ${line}`)] }
  }
  const isStrange = wanted.some(one => one.unknown)
  const refresh =
    isStale || isStrange ? [change(`refresh the index of packages (${ageText(catalogue)})`, manager.refresh)] : []
  const downgrade = wanted.some(({ version }) => version !== undefined)
  const what = wanted.map(one => one.what).join(', ')
  const install = manager.install(wanted, { downgrade, recommends: desired.recommends })
  return { kind: 'change', changes: [...refresh, change(what, install)] }
}

interface Missing extends DesiredPackage {
  readonly what: string
  /** Neither the name nor, where one is wanted, the version is in the index as it is now. */
  readonly unknown: boolean
}

const missing = (
  { name, version }: DesiredPackage,
  known: KnownPackage | undefined,
  state: 'installed' | 'latest',
): readonly Missing[] => {
  const installed = known?.installed
  if (version !== undefined) {
    if (installed !== undefined && isVersion(installed, version)) return []
    const found = known?.available.find(one => isVersion(one, version))
    const verb = installed === undefined ? `install ${name}` : `change ${name} ${installed} ->`
    const what = `${verb} ${found ?? `${version} (not in the index so far)`}`
    return [{ name, version: found ?? version, what, unknown: found === undefined }]
  }
  if (installed !== undefined) {
    if (state === 'installed' || known?.upgrade === undefined || known.held) return []
    return [{ name, what: `upgrade ${name} ${installed} -> ${known.upgrade}`, unknown: false }]
  }
  if (known?.provided) return []
  const newest = known?.available[0]
  const what = known ? `install ${name}${newest === undefined ? '' : ` ${newest}`}` : `install ${name} (unknown so far)`
  return [{ name, what, unknown: known === undefined }]
}

const ageText = ({ age }: Catalogue): string => {
  if (age === undefined) return 'there is none, or its sources have changed'
  for (const [unit, seconds] of UNITS) if (age >= 2 * seconds) return `${Math.floor(age / seconds)} ${unit} old`
  return `${age} s old`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
]
