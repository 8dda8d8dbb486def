/** The files which matter most, with the tests that have to notice a change in them. */

export interface Subject {
  /** The quickest first: the others are asked only when it has noticed nothing. */
  readonly tests: readonly string[]
  /** Whether its texts are scripts of a shell, to be changed as well. */
  readonly scripts?: boolean
  /** Changes which nobody can notice: the source line, what becomes of what, and why. */
  readonly equivalent?: readonly (readonly [line: string, change: string, why: string])[]
}

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  'src/inventory/resolve.ts': { tests: ['test/inventory/resolve.ts', 'test/inventory/dedup.ts'] },
  'src/inventory/dedup.ts': { tests: ['test/inventory/dedup.ts', 'test/inventory/resolve.ts'] },
  'src/run/schedule.ts': {
    tests: ['test/run/schedule.ts'],
    equivalent: [['const MAX_WAITING = 64', '64 -> 65', 'how many may wait is a choice; that they are few is tested']],
  },
  'src/connection/supervise/supervisor.ts': {
    scripts: true,
    tests: ['test/connection/supervise/supervisor.ts', 'test/connection/local.ts'],
  },
  'src/connection/supervise/supervised-command.ts': { tests: ['test/connection/local.ts'] },
  'src/connection/supervise/feed.ts': { tests: ['test/connection/local.ts'] },
  'src/nodeset/sets/merge.ts': { tests: ['test/nodeset/sets/algebra.ts', 'test/nodeset/fold.ts'] },
  'src/pulley/server/waves.ts': { tests: ['test/pulley/server/waves.ts'] },
  'src/pulley/agent/bundle/bundles.ts': { tests: ['test/pulley/agent/bundle/bundles.ts'] },
  'src/pulley/agent/bundle/trial.ts': { tests: ['test/pulley/agent/bundle/trial.ts'] },
  'src/pulley/agent/orders/orders.ts': { tests: ['test/pulley/agent/orders/orders.ts'] },
  'src/journal/entries.ts': {
    tests: ['test/journal/entries.ts'],
    equivalent: [['return undefined', 'return undefined -> ;', 'the function ends there anyway']],
  },
  'src/journal/reader.ts': {
    tests: ['test/journal/reader.ts'],
    equivalent: [
      ['if (busy) await busy', 'busy -> true', 'to wait for nothing is only slower'],
      ['.sort()', '.sort() -> nothing', 'Node lists files in order already, but does not promise it'],
    ],
  },
  'src/journal/writer.ts': {
    tests: ['test/journal/writer.ts'],
    equivalent: [
      [
        'const positionOf = (target: Target) => positions.get(target) ?? -1',
        '1 -> 2',
        'whatever is no position will do',
      ],
    ],
  },
  'src/connection/known-hosts/verify-host-key.ts': { tests: ['test/connection/known-hosts/known-hosts.ts'] },
  'src/connection/known-hosts/lines.ts': { tests: ['test/connection/known-hosts/known-hosts.ts'] },
  'src/connection/known-hosts/known-hosts.ts': { tests: ['test/connection/known-hosts/known-hosts.ts'] },
}
