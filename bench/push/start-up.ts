/** What a person waits for before anything happens. */

import type { Program } from '../common/measure.ts'
import type { Part } from '../common/part.ts'
import { startTargets } from './fleet.ts'
import { contest } from './rounds.ts'

/** The first of them is the least that a program in Node can take. */
export const startUp: Part = async function* ({ built: { stoker: entry, cache }, stoker, quick, say }) {
  await using fleet = await startTargets({ count: 1 })
  const [first] = fleet.targets
  const node = (...args: string[]): Program => ({
    argv: [process.execPath, ...args],
    env: { XDG_CACHE_HOME: cache },
    lines: 1,
  })
  const one = { fleet, targets: 1, fanout: 1, command: 'echo', lines: 1, exchange: 'default' } as const
  const standings = await contest(
    [
      { name: '`node -e 0`', program: { ...node('-e', '0'), lines: 0 } },
      { name: '`stoker --version`', program: node(entry, '--version') },
      { name: '`stoker nodes -f`', program: node(entry, 'nodes', '-f', 'n1,n2') },
      {
        name: '`stoker resolve`, one target',
        program: node(entry, 'resolve', '--config', fleet.config, first?.name ?? ''),
      },
      { name: '`stoker run`, one target', program: stoker.run(one) },
    ],
    { rounds: quick ? 3 : 15, say: text => say(`start-up: ${text}`) },
  )
  yield { kind: 'start-up', title: 'Start-up', standings }
}
