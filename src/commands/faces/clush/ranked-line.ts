/** Command lines with places for the node's name and rank: `clush -R exec`. Pure. */
import { StokerError } from '../../../base/errors.ts'
import type { Target } from '../../../inventory/target.ts'

/** Python's `string.Template` with per cent signs: `%h`, `%{host}`, `%n`, `%rank`; `%%` is a per cent sign. */
const PLACE = /%(?:(%)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|)/g

/**
 * The line for each node. Names are put in as they are, as clush does it; a node's name has nothing in it which a shell would
 * take for its own. Throws `USAGE` for what clush refuses as well, and for `%hosts`.
 */
export const rankedLine = (line: string): ((target: Pick<Target, 'name'>, rank: number) => string) => {
  for (const [whole, percent, name, braced = name] of line.matchAll(PLACE)) {
    if (percent !== undefined || (braced !== undefined && KNOWN.includes(braced))) continue
    if (braced === 'hosts')
      throw new StokerError(
        'USAGE',
        '%hosts',
        '%hosts would be one command for all nodes; write the nodes into it, as stoker nodes -f prints them',
      )
    throw new StokerError(
      'CONFIG',
      whole,
      `${braced ? `'${braced}'` : whole} is not a valid pattern, use '%%' to escape '%'`,
    )
  }
  return ({ name }, rank) =>
    line.replaceAll(PLACE, (_, percent?: string, plain?: string, braced = plain) => {
      if (percent !== undefined) return '%'
      return braced === 'n' || braced === 'rank' ? String(rank) : name
    })
}

const KNOWN = ['h', 'host', 'n', 'rank']
