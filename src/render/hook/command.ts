/** The command line which a hook runs. Pure. */

/** How this program is started again, by root, from a folder and with an environment which nobody knows. */
export interface Program {
  /** Absolute paths: of Node, of this program, of the configuration. */
  readonly node: string
  readonly entry: string
  readonly config: string
}

/**
 * Seconds after which renders at a start are ended from outside. They end by themselves before that, after their own deadline
 * (milliseconds); this is for the day on which they do not.
 */
export const hookLimit = (deadline: number): number => Math.ceil(deadline / 1_000) + 2

/** The words of the command which a hook runs. The limit is over all that it starts, with a second more to end in order. */
export const hookCommand = (
  { node, entry, config }: Program,
  renders: readonly string[],
  limit: number,
): readonly string[] => [
  ...['/usr/bin/timeout', '-v', '-k', '1', String(limit)],
  ...[node, entry, '--config', config, 'render', ...renders, '--start'],
]
