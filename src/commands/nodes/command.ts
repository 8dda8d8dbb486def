/** `stoker nodes` in the program: the calculator, with the groups of the warehouses or of a groups.conf. */

import { VERSION } from '../../base/version.ts'
import type { Groups } from '../../nodeset/groups.ts'
import { standardSinks } from '../../report/sink.ts'
import { nodes } from './nodes.ts'

/** Runs the calculator with these words; returns the exit code. */
export const nodesCommand = async (words: readonly string[], flags: { readonly config?: string }): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const { gone: signal } = stdout
  await using opened = new AsyncDisposableStack()
  // Much arithmetic needs no groups, and so no configuration.
  const groups = async (conf: string | undefined): Promise<Groups> => {
    if (conf !== undefined) {
      const { clustershellGroups } = await import('../../site/warehouses.ts')
      return await clustershellGroups(conf, { signal })
    }
    const [{ openSite }, { warehouseGroups }] = await Promise.all([
      import('../../site/site.ts'),
      import('../../inventory/warehouse-groups.ts'),
    ])
    const site = opened.use(await openSite(flags, notice => void stderr.write(`stoker nodes: ${notice}\n`), { signal }))
    return warehouseGroups(site.warehouses)
  }
  const code = await nodes(words, {
    stdin: process.stdin,
    stdout: text => void stdout.write(text),
    stderr: text => void stderr.write(text),
    groups,
    signal,
    version: VERSION,
  })
  await Promise.all([stdout.flush(), stderr.flush()])
  return code
}
