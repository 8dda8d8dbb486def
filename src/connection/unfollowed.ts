/** What a connection of our own does not follow, and the lines which say so: one for a run, not one for each target. */

/** Something that was asked for and which `ssh` does not follow. */
export interface Unfollowed {
  /** What, and where it was asked for: `ProxyCommand (/root/.ssh/config:3)`. */
  readonly what: string
  /** Whether it decides if or how one gets in. */
  readonly decides: boolean
}

/** Collects what is not followed; what was said once is not said again. */
export class UnfollowedReport {
  readonly #said = new Set<string>()
  #moved = { names: new Set<string>(), reasons: new Set<string>() }
  #lost = new Set<string>()

  /** `moved`: the target is reached by the system's ssh, because of those which decide. */
  add(name: string, moved: boolean, unfollowed: readonly Unfollowed[]): void {
    for (const { what, decides } of unfollowed) {
      if (this.#said.has(what)) continue
      if (!moved) this.#lost.add(what)
      else if (decides) this.#moved.reasons.add(what)
    }
    if (moved) this.#moved.names.add(name)
  }

  /** Whether there is something to say. */
  get hasNews(): boolean {
    return this.#moved.reasons.size + this.#lost.size > 0
  }

  /** One line for those which the system's ssh reaches, one for what is lost; `hasOpenssh`: whether there is a system's ssh. */
  lines(hasOpenssh: boolean): readonly string[] {
    const { names, reasons } = this.#moved
    const lost = this.#lost
    for (const what of [...reasons, ...lost]) this.#said.add(what)
    this.#moved = { names: new Set(), reasons: new Set() }
    this.#lost = new Set()
    const remedy = hasOpenssh
      ? '--connection openssh follows it'
      : 'install openssh-client: --connection openssh follows it'
    return [
      ...(reasons.size === 0 ? [] : [`${are(names)} reached by the system's ssh (openssh), for ${few(reasons)}`]),
      ...(lost.size === 0 ? [] : [`not followed: ${few(lost)}; ${remedy}`]),
    ]
  }
}

const SHOWN = 4

const few = (texts: ReadonlySet<string>): string => {
  const [...shown] = [...texts].slice(0, SHOWN)
  return shown.join(', ') + (texts.size > SHOWN ? ` and ${texts.size - SHOWN} more` : '')
}

const are = (names: ReadonlySet<string>): string =>
  names.size === 1 ? `${few(names)} is` : `${names.size} targets (${few(names)}) are`
