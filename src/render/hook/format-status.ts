/** Hooks as people and programs read them. Pure. */
import type { HookChange, HookLocation } from './hooks.ts'
import type { HookedService } from './services.ts'

/** A place for a hook, and whether what is there is what would be written now. */
export interface HookState extends HookLocation {
  readonly isCurrent: boolean
}

/** What would be done, file by file, with the lines. */
export const formatPlan = (
  verb: 'install' | 'remove',
  { name }: HookedService,
  changes: readonly HookChange[],
): string => {
  if (changes.length === 0) return `there is no hook of ${name} here\n`
  const texts = changes.map(change => {
    if (change.before === change.after) return `${change.path}: is as it should be\n`
    const lines = verb === 'install' ? blockIn(change.after ?? '', change.body) : change.body
    return `${change.path} ${verb === 'install' ? describeInstall(change) : describeRemoval(change)}:\n\n${indented(lines)}\n`
  })
  return texts.join('')
}

const describeInstall = ({ before, found }: HookChange): string => {
  if (before === undefined) return 'is made, with these lines'
  return found.kind === 'ours' ? 'has these lines from now on' : 'gets these lines at its end'
}

const describeRemoval = ({ after }: HookChange): string =>
  after === undefined ? 'is removed, with these lines' : 'loses these lines, and no others'

/** The lines around the body as well. */
const blockIn = (text: string, body: string): string => {
  const at = text.indexOf(body)
  return text.slice(text.lastIndexOf('# >>> stoker hook', at), text.indexOf('\n', at + body.length) + 1)
}

const indented = (text: string): string => decoded(text).replaceAll(/^(?=.)/gm, '  ')

/** Files are held as bytes; what is shown is text. */
const decoded = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()

/** One line for each place. */
export const formatStatus = ({ name }: HookedService, states: readonly HookState[]): string =>
  states
    .map(state => `${name}  ${state.kind.padEnd(7)}  ${stateOf(state).padEnd(13)}  ${state.path}${remark(state)}\n`)
    .join('')

const stateOf = ({ found, isCurrent }: HookState): string => {
  if (found.kind === 'absent') return 'not installed'
  if (found.kind === 'changed') return 'changed'
  return isCurrent ? 'installed' : 'outdated'
}

const remark = ({ found, isCurrent }: HookState): string => {
  if (found.kind === 'changed') return `:${found.line}: ${found.why}`
  if (found.kind === 'ours' && !isCurrent) return ': another program, configuration or render; install it again'
  return ''
}

/** One object on a line. */
export const formatJson = (
  verb: 'install' | 'remove' | 'status',
  { name }: HookedService,
  locations: readonly (HookChange | HookState)[],
): string => {
  const files = locations.map(location => ({
    path: location.path,
    kind: location.kind,
    ...('after' in location
      ? { change: changeOf(location), lines: decoded(location.body) }
      : { state: stateOf(location as HookState).replace(' ', '-') }),
  }))
  return `${JSON.stringify({ kind: 'hook', verb, service: name, files })}\n`
}

const changeOf = ({ before, after }: HookChange): string => {
  if (before === after) return 'same'
  return before === undefined ? 'made' : after === undefined ? 'removed' : 'changed'
}
