/** Permission bits in words, as chmod(1) takes them (POSIX, and what GNU's adds): `u+x`, `go-w,a+rX`, `u=rwx,g=u`. Pure. */

/** One change of the bits; see `parseModeChanges`. */
export interface ModeChange {
  readonly operator: '+' | '-' | '='
  /** The bits which it is about: those of `u`, `g`, `o`; 0 when nobody is named. */
  readonly who: number
  /** The bits which it names; those of one of the three when they are to be copied. */
  readonly bits: number
  readonly kind: 'bits' | 'copy' | 'bits, and x where there is any'
}

/** What chmod's umask is where nobody is named: `+x` is for all, `+w` for the owner alone. */
const UMASK = 0o022

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 }
const COPIED: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007 }
const BITS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, X: 0, s: 0o6000, t: 0o1000 }

const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/
const ACTION = /([-+=])([ugo]|[rwxXst]*)/g

/** The changes in their order; `undefined` when the text is none. */
export const parseModeChanges = (text: string): readonly ModeChange[] | undefined => {
  const changes: ModeChange[] = []
  for (const clause of text.split(',')) {
    const [, names, actions] = CLAUSE.exec(clause) ?? []
    if (names === undefined || actions === undefined) return undefined
    const who = [...names].reduce((all, letter) => all | (WHO[letter] ?? 0), 0)
    for (const [, operator, letters = ''] of actions.matchAll(ACTION)) {
      const copied = COPIED[letters]
      const kind = copied ? 'copy' : letters.includes('X') ? 'bits, and x where there is any' : 'bits'
      const bits = copied ?? [...letters].reduce((all, letter) => all | (BITS[letter] ?? 0), 0)
      changes.push({ operator: operator as ModeChange['operator'], who, bits, kind })
    }
  }
  return changes
}

/** The permission bits after the changes. */
export const changeMode = (mode: number, changes: readonly ModeChange[], isFolder: boolean): number =>
  changes.reduce((now, change) => changeOnce(now, change, isFolder), mode)

const changeOnce = (mode: number, { operator, who, bits, kind }: ModeChange, isFolder: boolean): number => {
  const mentioned = who === 0 ? bits : who & bits
  // A folder keeps set-user-id and set-group-id unless they are named.
  const kept = isFolder ? 0o6000 & ~mentioned : 0
  const value = valueFor(mode, { bits, kind }, isFolder) & (who === 0 ? ~UMASK : who) & ~kept
  if (operator === '+') return mode | value
  if (operator === '-') return mode & ~value
  return (mode & (kept | (who === 0 ? 0 : ~who & 0o7777))) | value
}

const valueFor = (mode: number, { bits, kind }: Pick<ModeChange, 'bits' | 'kind'>, isFolder: boolean): number => {
  if (kind === 'bits') return bits
  if (kind === 'copy') return [0o444, 0o222, 0o111].reduce((all, each) => all | (mode & bits & each ? each : 0), 0)
  return isFolder || mode & 0o111 ? bits | 0o111 : bits
}

/** Permission bits, or how to change those which are there. */
export type Mode = number | readonly ModeChange[]

/** What it amounts to for something which has these permission bits. */
export const modeFrom = (mode: Mode, present: number, isFolder: boolean): number =>
  typeof mode === 'number' ? mode : changeMode(present, mode, isFolder)
