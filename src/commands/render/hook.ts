/** `stoker hook`: binds a render to the start of the service which reads what it writes. */
import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { type Config, renderEntry } from '../../config/config.ts'
import type { Program } from '../../render/hook/command.ts'
import { formatJson, formatPlan, formatStatus, type HookState } from '../../render/hook/format-status.ts'
import {
  applyChanges,
  type HookChange,
  type HookKind,
  hookLocations,
  planInstall,
  planRemove,
} from '../../render/hook/hooks.ts'
import { namesFromDns, warehouseServers } from '../../render/hook/server-names.ts'
import { type Daemon, HOOKED_SERVICES, type HookedService, rendersFor } from '../../render/hook/services.ts'
import { isSystemdRunning, reloadSystemd, startLimitOf } from '../../render/hook/systemd.ts'
import { doubtsAbout } from '../../render/hook/trust.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'

export interface HookFlags {
  readonly config?: string
  readonly kind?: HookKind
  /** Former names of `kind`. */
  readonly systemd?: boolean
  readonly sysv?: boolean
  /** Do not ask, also at a terminal. */
  readonly yes?: boolean
  readonly json?: boolean
}

export type HookVerb = 'install' | 'remove' | 'status'

const MACHINE = { root: '/' }

/**
 * Returns the exit code: of `status` 1 when there is no hook, or one which is not as it should be; of the others 1 when the
 * person at the terminal does not want it. Throws `USAGE`, and `CONFIG` for what cannot be done here.
 */
export const hook = async (verb: HookVerb, name: string, flags: HookFlags): Promise<number> => {
  const sinks = standardSinks()
  const io = { signal: sinks.stdout.gone }
  const service = serviceOf(name)
  try {
    switch (verb) {
      case 'install':
        return await install(service, flags, sinks, io)
      case 'remove':
        return await remove(service, flags, sinks, io)
      case 'status':
        return await status(service, flags, sinks, io)
      default:
        throw new Error(`unknown verb: ${verb satisfies never}`)
    }
  } finally {
    await sinks.stdout.flush()
  }
}

const serviceOf = (name: string): HookedService => {
  const service = HOOKED_SERVICES.find(one => one.name === name)
  if (service) return service
  const known = HOOKED_SERVICES.map(one => one.name)
  const [near] = nearest(name, known, 1)
  const hint = near === undefined ? '' : ` did you mean ${near}?`
  throw new StokerError('USAGE', name, `${shown(name)} cannot be hooked;${hint} (there is: ${known.join(', ')})`)
}

const install = async (service: HookedService, flags: HookFlags, sinks: Sinks, io: Abortable): Promise<number> => {
  const [kind = (await isSystemdRunning()) ? 'systemd' : 'sysv', other] = selectedKinds(flags)
  if (other)
    throw new StokerError('USAGE', '--kind', '--systemd and --sysv do not go together; install one, then the other')
  const { program, config } = await programToRun(flags, sinks, io)
  const warnings = await findWarnings(service, program, config)
  const refusal = warnings.find(({ refuses }) => refuses)
  if (refusal) throw new StokerError('CONFIG', service.name, refusal.text)
  const changes = await planInstall(service, kind, partsOf(program, config, io), MACHINE)
  await printWarnings(warnings, sinks)
  return await confirmed('install', service, changes, flags, sinks, io)
}

const remove = async (service: HookedService, flags: HookFlags, sinks: Sinks, io: Abortable): Promise<number> => {
  const kinds = selectedKinds(flags)
  const changes = await planRemove(service, kinds.length > 0 ? kinds : BOTH, MACHINE)
  return await confirmed('remove', service, changes, flags, sinks, io)
}

const status = async (service: HookedService, flags: HookFlags, sinks: Sinks, io: Abortable): Promise<number> => {
  const kinds = selectedKinds(flags)
  const places = await hookLocations(service, kinds.length > 0 ? kinds : BOTH, MACHINE)
  const states: HookState[] = places.map(place => ({ ...place, isCurrent: true }))
  try {
    const { program, config } = await programToRun(flags, sinks, io)
    for (const [i, place] of places.entries()) {
      if (place.found.kind !== 'ours') continue
      // A service which is not here any more has no plan; its hook does no harm.
      const plan = await planInstall(service, place.kind, partsOf(program, config, io), MACHINE)
      const isCurrent = plan.some(({ path, before, after }) => path === place.path && before === after)
      states[i] = { ...place, isCurrent }
    }
    await printWarnings(await findWarnings(service, program, config), sinks)
  } catch (thrown) {
    await printWarnings([{ text: toStokerError(thrown, 'hook').message }], sinks)
  }
  await sinks.stdout.write(flags.json ? formatJson('status', service, states) : formatStatus(service, states))
  const installed = states.filter(({ found }) => found.kind !== 'absent')
  return installed.length > 0 && installed.every(({ found, isCurrent }) => found.kind === 'ours' && isCurrent) ? 0 : 1
}

const BOTH: readonly HookKind[] = ['systemd', 'sysv']

const selectedKinds = (flags: HookFlags): readonly HookKind[] => BOTH.filter(kind => flags[kind] || flags.kind === kind)

/** This program as a start of the machine has to call it. Throws `CONFIG` when there is no configuration. */
const programToRun = async (
  flags: HookFlags,
  sinks: Sinks,
  io: Abortable,
): Promise<{ readonly program: Program; readonly config: Config }> => {
  const warn = (notice: string) => void sinks.stderr.write(`stoker: ${harmlessMessage(notice)}\n`)
  await using site = await openSite({ ...flags, copies: false }, warn, io)
  const file = site.config.source?.file
  if (file === undefined)
    throw new StokerError(
      'CONFIG',
      'hook',
      'there is no configuration to render from; write /etc/stoker/stoker.yaml, or say which one with --config',
    )
  const program = { node: process.execPath, entry: process.argv[1] ?? '', config: resolve(file) }
  return { program, config: site.config }
}

/** What a render has which the configuration does not speak of. */
const DEFAULTS = renderEntry('', {}, path => path)

const partsOf = (program: Program, { renders }: Config, io: Abortable) => ({
  program,
  rendersOf: (daemon: Daemon) => rendersFor(daemon, renders),
  deadlineOf: (names: readonly string[]) =>
    Math.max(...names.map(name => renders.get(name)?.deadline ?? DEFAULTS.deadline)),
  startLimit: (unit: string) => startLimitOf(unit, io),
})

interface Warning {
  readonly text: string
  /** A hook with this trouble would never do its work. */
  readonly refuses?: boolean
}

/** What could go wrong at a start which goes well now. */
const findWarnings = async (service: HookedService, program: Program, config: Config): Promise<readonly Warning[]> => {
  const names = await namesFromDns(warehouseServers(config.warehouses), MACHINE)
  const places = await doubtsAbout([program.node, program.entry, program.config])
  return [
    ...names.map(({ warehouse, name, asks }): Warning => {
      const remedy = 'put it into /etc/hosts, or write its address in the configuration'
      const server = `the server of warehouse ${warehouse}, ${shown(name)},`
      if (asks === 'dns')
        return { text: `${server} is looked up in the DNS at each start of ${service.name}; ${remedy}` }
      return {
        text: `${server} is looked up by this machine's own name service, which ${service.answersNames ? 'does not answer while it is started' : 'may start later'}; ${remedy}`,
        refuses: service.answersNames,
      }
    }),
    ...places.map(({ path, why }) => ({
      text: `root will run this at each start of ${service.name}, and ${path} ${why}; make it root's alone`,
    })),
  ]
}

const printWarnings = async (warnings: readonly Warning[], { stderr }: Sinks): Promise<void> => {
  for (const { text } of warnings) await stderr.write(`stoker: ${harmlessMessage(text)}\n`)
}

/** Shows what would be done, does it unless somebody says no, and tells what was done. */
const confirmed = async (
  verb: 'install' | 'remove',
  service: HookedService,
  changes: readonly HookChange[],
  flags: HookFlags,
  { stdout, stderr }: Sinks,
  io: Abortable,
): Promise<number> => {
  const due = changes.filter(({ before, after }) => before !== after)
  if (!flags.json) await stdout.write(formatPlan(verb, service, changes))
  if (due.length > 0 && !flags.yes && !flags.json && process.stdin.isTTY && stderr.isTerminal) {
    await stdout.flush()
    if (!(await confirm(verb, io))) return 1
  }
  await applyChanges(due)
  if (due.some(({ kind }) => kind === 'systemd') && (await isSystemdRunning())) await reloadSystemd(io)
  if (flags.json) await stdout.write(formatJson(verb, service, changes))
  else if (due.length > 0) await stdout.write('done\n')
  return 0
}

const confirm = async (verb: string, io: Abortable): Promise<boolean> => {
  using lines = createInterface({ input: process.stdin, output: process.stderr })
  return /^y(es)?$/i.test((await lines.question(`${verb} it? [y/N] `, io)).trim())
}
